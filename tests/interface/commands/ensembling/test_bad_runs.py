"""Runs that cannot be averaged, and bad options: one line, before anything runs."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from run_folders import edit

from iac_components.data import Folds, load_folds, save_folds


def other_classes(runs) -> None:
    edit(runs, "volumes", train={"class_names": ["posterior", "anterior"]})


def other_regions(runs) -> None:
    edit(runs, "volumes", train={"regions": {"whole": [1, 2]}})


def earlier_bundles(runs) -> None:
    edit(runs, "volumes", inference={"save_probabilities": ...})


def other_folds(runs) -> None:
    path = runs / "volumes" / "folds.json"
    path.unlink()
    folds = load_folds(runs / "flat" / "folds.json")
    save_folds(Folds(folds.layout, folds.seed, folds.folds[::-1]), path)


def no_shared_fold(runs) -> None:
    shutil.rmtree(runs / "volumes" / "fold_0")
    shutil.rmtree(runs / "flat" / "fold_1")


def unfinished(runs) -> None:
    for fold in (0, 1):
        (runs / "volumes" / f"fold_{fold}" / "evaluate" / "metrics.json").unlink()


def of_an_earlier_version(runs) -> None:
    (runs / "volumes" / "request.json").unlink()


def damaged(runs) -> None:
    (runs / "volumes" / "request.json").write_text('{"schema_version": 1}')


def bundles_gone(runs) -> None:
    path = runs / "volumes" / "request.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"bundles": "/nowhere/x_unet_iac_segmentation"}))


def not_a_run(runs) -> None:
    shutil.rmtree(runs / "volumes")
    (runs / "volumes").mkdir()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (other_classes, r"class_names \['posterior', 'anterior'\], '.*flat' \['anterior', 'post"),
        (other_regions, r"volumes' has regions \{'whole': \[1, 2\]\}, '.*flat' None"),
        (earlier_bundles, "no option --save_probabilities: it is of an earlier version"),
        (other_folds, "was tested on other folds.*--set folds_file=.*flat/folds.json"),
        (no_shared_fold, r"no fold was tested by all runs \(flat 0; volumes 1\)"),
        (unfinished, "volumes' has no fold whose test patients were scored"),
        (of_an_earlier_version, "volumes' does not say.*Repeat its 'iac run' command"),
        (damaged, "request.json': field 'bundles' is missing"),
        (bundles_gone, "bundles that are gone"),
        (not_a_run, "flat' is an 'iac run', '.*volumes' is not"),
    ],
)
def test_runs_that_cannot_be_averaged(ensemble, stages, runs, spoil, message):
    spoil(runs)
    ended = ensemble()
    assert ended.status == 2
    assert len(ended.err.splitlines()) == 1
    assert re.search(message, ended.err)
    assert stages.ran == []
    assert not (runs / "both").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", "no_such=1"), "no config of these bundles has a key 'no_such'"),
        (("--set", "amp=maybe"), "stage 'predict': .*amp"),
        (("--output_dir", "flat"), "flat' is in use: it holds"),
    ],
)
def test_bad_options_are_one_line(ensemble, stages, words, message):
    ended = ensemble(*words)
    assert ended.status == 2
    assert re.search(message, ended.err)
    assert stages.ran == []


def test_runs_of_one_name(ensemble, runs):
    (runs / "elsewhere").mkdir()
    shutil.copytree(runs / "volumes", runs / "elsewhere" / "flat")
    ended = ensemble(folders=("flat", "elsewhere/flat"))
    assert ended.status == 2
    assert "two runs are called 'flat'" in ended.err

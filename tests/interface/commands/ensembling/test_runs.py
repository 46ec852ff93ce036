"""Ensembles of runs; what runs a stage is replaced, all else is real."""

from __future__ import annotations

import json
import os
import re
import shutil

import nibabel
import numpy as np
import pytest

from iac_components.bundling.rendering.facts import BUNDLES
from iac_components.data import Folds, load_folds, save_folds
from iac_components.evaluation import read_metrics
from iac_components.interface.commands.running.bundles import find_bundles
from iac_components.interface.commands.running.folds.stages import (
    fold_stages,
    write_cross_validation,
)
from iac_components.interface.commands.running.overrides import override, read_overrides
from iac_components.interface.commands.running.request import RunRequest
from iac_components.interface.commands.running.stages import make_stages


def finish(stages, data, out, *, network="hippocampus_unet", folds=(0, 1), overrides=()) -> None:
    """Leave what a run of these folds leaves; of one fold, without --folds."""
    bundles = find_bundles(network, rendered=out)
    given = read_overrides(overrides)
    out.mkdir()
    by_fold = {}
    for fold in folds:
        if len(folds) > 1:
            made = fold_stages(bundles, data, out=out, fold=fold)
        else:
            made = make_stages(bundles, data, images=out / "images", out=out)
        by_fold[fold] = override(made, given)
        for stage in by_fold[fold]:
            if stage.name in ("train", "evaluate"):
                stages(stage)
                (stage.result.parent / "model.pt").write_bytes(b"best")
    if len(folds) > 1:
        write_cross_validation(by_fold, out)
    RunRequest(bundles, data, overrides).write(out)


@pytest.fixture
def run(stages, small_hippocampus, tmp_path, monkeypatch):
    """Return a function that lets a combination run into a folder of the test."""
    monkeypatch.chdir(tmp_path)
    stages.real_cases = True

    def call(name, **options) -> None:
        finish(stages, small_hippocampus, tmp_path / name, **options)
        stages.ran.clear()

    return call


@pytest.fixture
def runs(run, stages, tmp_path):
    """A run of slices that is unsure of all foreground, and one of volumes that is sure of it."""
    run("flat", overrides=["mirror=true", "search.epochs=9"])
    run("volumes", network="hippocampus_unet3d")
    stages.confidence = {"flat": 0.4, "volumes": 0.9}
    return tmp_path


@pytest.fixture
def ensemble(iac, runs):
    def call(*words, folders=("flat", "volumes")):
        return iac("ensemble", *folders, "--output_dir", "both", *words)

    return call


@pytest.fixture
def images(tmp_path, small_hippocampus):
    folder = tmp_path / "new"
    folder.mkdir()
    image = min((small_hippocampus / "imagesTr").iterdir())
    (folder / image.name).symlink_to(image)
    return folder


def test_each_network_of_a_fold_segments_its_test_patients(ensemble, stages, runs):
    ended = ensemble()
    assert (ended.status, ended.err) == (0, "")
    assert stages.names == ["predict"] * 4
    for fold, ran in ((0, stages.ran[:2]), (1, stages.ran[2:])):
        out = runs / "both" / f"fold_{fold}"
        for name, stage in zip(("flat", "volumes"), ran, strict=True):
            options = stage.options
            assert options["dataset_dir"] == out / "images"
            assert options["save_probabilities"] is True
            assert "postprocessing_file" not in options
            models = runs / name / f"fold_{fold}" / "train" / "models"
            assert options["checkpoint"] == models / "model.pt"
            assert stage.result == out / "networks" / name / "predictions"
        assert ran[0].options["mirror"] == "true"
        assert "mirror" not in ran[1].options
        assert "unet3d" in str(ran[1].configs[0])


def test_the_average_is_scored_as_a_run_is(ensemble, runs):
    ended = ensemble()
    records = read_metrics(runs / "both" / "cross_validation")
    before = read_metrics(runs / "flat" / "cross_validation")
    assert [record.key for record in records] == [record.key for record in before]
    # 0.4 and 0.9 are 0.65 together: the average is right everywhere.
    assert {record.dice for record in records} == {1.0}
    content = json.loads((runs / "both" / "cross_validation" / "metrics.json").read_text())
    assert content["info"] == {
        "folds": [0, 1],
        "runs": [str(runs / "flat"), str(runs / "volumes")],
    }
    assert "1.000" in ended.out
    assert f"iac compare --best {runs / 'flat'} {runs / 'volumes'} {runs / 'both'}" in ended.out


def test_an_average_that_is_wrong_scores_so(ensemble, stages, runs):
    stages.confidence["volumes"] = 0.5
    ensemble()
    assert {record.dice for record in read_metrics(runs / "both" / "cross_validation")} == {0.0}


def test_best_may_be_an_ensemble(ensemble, iac):
    ensemble()
    ended = iac("compare", "--best", "flat", "volumes", "both")
    assert (ended.status, ended.err) == (0, "")
    assert "Reference: both." in ended.out
    assert "Best mean Dice of 2 patients: both, 100.00." in ended.out
    assert "| flat | **mean** | 2 | 100.00 | 87.50 |" in ended.out


def test_a_second_call_runs_nothing_and_writes_the_same(ensemble, stages, runs):
    ensemble()
    scores = (runs / "both" / "cross_validation" / "metrics.csv").read_bytes()
    stages.ran.clear()
    assert ensemble().status == 0
    assert stages.ran == []
    assert (runs / "both" / "cross_validation" / "metrics.csv").read_bytes() == scores


def test_it_continues_where_it_failed(ensemble, stages):
    stages.fails_after = 2
    ended = ensemble()
    assert (ended.status, stages.names) == (3, ["predict"] * 3)
    stages.fails_after = None
    stages.ran.clear()
    assert ensemble().status == 0
    assert [stage.result.parent.name for stage in stages.ran] == ["flat", "volumes"]


def test_a_network_that_was_trained_again_segments_again(ensemble, stages, runs):
    ensemble()
    stages.ran.clear()
    weights = runs / "volumes" / "fold_1" / "train" / "models" / "model.pt"
    weights.write_bytes(b"others")
    later = (runs / "both" / "fold_1" / "networks" / "volumes" / "run.json").stat().st_mtime + 5
    os.utime(weights, (later, later))
    ensemble()
    (stage,) = stages.ran
    assert stage.options["checkpoint"] == weights


def test_images_are_segmented_by_runs_and_folds(ensemble, stages, images, runs):
    assert ensemble("--images", images).status == 0
    for name, stage in zip(("flat", "volumes"), stages.ran[4:], strict=True):
        folds = [runs / name / f"fold_{fold}" for fold in (0, 1)]
        assert stage.options["fold_weights"] == [
            str(folder / "train" / "models" / "model.pt") for folder in folds
        ]
        assert stage.options["dataset_dir"] == images
        assert "checkpoint" not in stage.options
        assert "postprocessing_file" not in stage.options
    (path,) = (runs / "both" / "predictions").iterdir()
    (image,) = images.iterdir()
    label = image.resolve().parent.parent / "labelsTr" / image.name
    np.testing.assert_array_equal(nibabel.load(path).dataobj, nibabel.load(label).dataobj)


def test_other_images_are_segmented_anew(ensemble, stages, images, runs, small_hippocampus):
    ensemble("--images", images)
    stages.ran.clear()
    assert ensemble("--images", images).status == 0
    assert stages.ran == []
    other = runs / "other"
    other.mkdir()
    image = max((small_hippocampus / "imagesTr").iterdir())
    (other / image.name).symlink_to(image)
    assert ensemble("--images", other).status == 0
    assert [stage.options["dataset_dir"] for stage in stages.ran] == [other] * 2
    (path,) = (runs / "both" / "predictions").iterdir()
    assert path.name == image.name.replace(".nii", "_seg.nii")
    stages.ran.clear()
    (other / "more.nii.gz").symlink_to(next(images.iterdir()).resolve())
    later = (runs / "both" / "images" / "flat" / "run.json").stat().st_mtime + 5
    os.utime(other, (later, later))
    ensemble("--images", other)
    assert len(stages.ran) == 2


def test_options_of_the_inferences(ensemble, stages):
    assert ensemble("--set", "device=cpu", "mirror=false").status == 0
    assert {stage.options["device"] for stage in stages.ran} == {"cpu"}
    assert {stage.options["mirror"] for stage in stages.ran} == {"false"}


def test_only_shared_folds_are_averaged(ensemble, run, stages, runs):
    run("more", folds=(1, 2))
    stages.confidence["more"] = 0.9
    assert ensemble(folders=("flat", "more")).status == 0
    assert len(stages.ran) == 2
    assert not (runs / "both" / "fold_0").exists()
    assert (runs / "both" / "fold_1" / "predictions").is_dir()


def test_runs_of_a_single_fold(ensemble, run, stages, images, runs):
    for name in ("one", "two"):
        run(name, folds=(1,), overrides=["fold=1"])
        stages.confidence[name] = 0.7
    assert ensemble("--images", images, folders=("one", "two")).status == 0
    assert len(stages.ran) == 4
    assert "fold_weights" not in stages.ran[-1].options
    assert stages.ran[-1].options["checkpoint"] == runs / "two" / "train" / "models" / "model.pt"
    found = read_metrics(runs / "both" / "cross_validation")
    assert [r.key for r in found] == [r.key for r in read_metrics(runs / "one" / "evaluate")]


def test_a_renumbered_label_counts_as_its_class(ensemble, runs, small_hippocampus, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(small_hippocampus, data)
    for path in (data / "labelsTr").iterdir():
        image = nibabel.load(path)
        # Class 1 is stored as 2, and class 2 as 9.
        values = np.array([0, 2, 9], dtype=np.uint8)[np.asarray(image.dataobj).astype(int)]
        nibabel.save(nibabel.Nifti1Image(values, image.affine, image.header), path)
    step = {"_target_": "MapLabelValued", "orig_labels": [2, 9], "target_labels": [1, 2]}
    edit(runs, "flat", dataset_dir=str(data), train={"voxel_values": step})
    assert ensemble().status == 0
    assert {record.dice for record in read_metrics(runs / "both" / "cross_validation")} == {1.0}


def edit(runs, name, *, dataset_dir=None, **configs) -> None:
    """Let a run be of copied bundles with changed keys."""
    path = runs / name / "request.json"
    content = json.loads(path.read_text())
    stem = content["bundles"].rpartition("/")[2]
    for stage in ("search", "train", "inference"):
        copy = runs / f"bundles_{name}" / f"{stem}_{stage}"
        shutil.copytree(BUNDLES / copy.name, copy)
        config = copy / "configs" / f"{stage}.json"
        changed = json.loads(config.read_text()) | configs.get(stage, {})
        kept = {key: value for key, value in changed.items() if value is not ...}
        config.write_text(json.dumps(kept))
    content["bundles"] = str(runs / f"bundles_{name}" / stem)
    content["dataset_dir"] = dataset_dir or content["dataset_dir"]
    path.write_text(json.dumps(content))


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

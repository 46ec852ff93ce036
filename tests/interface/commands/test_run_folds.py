"""Several folds in one call; what runs a stage is replaced, all else is real."""

from __future__ import annotations

import json
import os
import signal
import threading
import time

import pytest

from iac_components.bundling.rendering.facts import BUNDLES
from iac_components.interface.running.errors import StageError
from iac_components.interface.running.folds.parallel import run_folds_in_parallel

CELL_STAGES = ["backbone", "search", "train", "postprocess", "evaluate", "predict"]


@pytest.fixture
def images(tmp_path, small_hippocampus):
    folder = tmp_path / "new"
    folder.mkdir()
    image = min((small_hippocampus / "imagesTr").iterdir())
    (folder / image.name).symlink_to(image)
    return folder


def test_every_fold_has_its_own_chain_on_one_split(run, stages, tmp_path):
    stages.patients = ["first", "second"]
    ended = run("--folds", "0", "2", "--set", "epochs=7", "search.epochs=9")
    assert (ended.status, ended.err) == (0, "")
    assert stages.names == CELL_STAGES * 2
    out = tmp_path / "out"
    for fold, ran in ((0, stages.ran[:6]), (2, stages.ran[6:])):
        options = {stage.name: dict(stage.options) for stage in ran}
        assert {options[name]["fold"] for name in CELL_STAGES[:5]} == {fold}
        assert {options[name]["folds_file"] for name in CELL_STAGES[:5]} == {out / "folds.json"}
        assert options["search"]["epochs"] == "9"
        assert options["train"]["epochs"] == "7"
        folder = out / f"fold_{fold}"
        assert options["train"]["genotype_path"] == folder / "search" / "genotype.json"
        assert len(list((folder / "predictions").iterdir())) == 2
    tests = [{path.name for path in (out / f"fold_{fold}" / "images").iterdir()} for fold in (0, 2)]
    assert not tests[0] & tests[1]


def test_scores_of_the_folds_are_put_together(run, stages, small_hippocampus, tmp_path):
    stages.patients = ["first", "second"]
    stages.dice = [0.5, 0.75]
    ended = run("--folds", "0", "1", "--set", "epochs=7")
    scores = json.loads((tmp_path / "out" / "cross_validation" / "metrics.json").read_text())
    assert [entry["patient"] for entry in scores["patients"]] == ["first", "second"]
    assert scores["summary"]["dice"]["mean"]["mean"] == 0.625
    assert scores["info"]["folds"] == [0, 1]
    assert "0.625" in ended.out
    request = json.loads((tmp_path / "out" / "request.json").read_text())
    assert request["bundles"] == str(BUNDLES / "hippocampus_unet_iac_segmentation")
    assert (request["dataset_dir"], request["set"]) == (str(small_hippocampus), ["epochs=7"])
    (tmp_path / "out" / "request.json").unlink()
    # What an earlier version did not note is noted by the same command again.
    ran = len(stages.ran)
    run("--folds", "0", "1", "--set", "epochs=7")
    assert len(stages.ran) == ran
    assert json.loads((tmp_path / "out" / "request.json").read_text()) == request


def test_images_are_segmented_with_the_average_of_all_folds(run, stages, images, tmp_path):
    stages.patients = ["first", "second"]
    ended = run("--folds", "0", "1", "--images", str(images), "--set", "mirror=true")
    assert ended.status == 0
    last = stages.ran[-1]
    assert len(stages.ran) == 13
    out = tmp_path / "out"
    folds = [out / "fold_0", out / "fold_1"]
    assert last.options["fold_weights"] == [str(f / "train" / "models" / "model.pt") for f in folds]
    assert last.options["fold_architectures"] == [
        str(f / "search" / "genotype.json") for f in folds
    ]
    decided = out / "cross_validation" / "postprocessing.json"
    assert last.options["postprocessing_file"] == decided
    content = json.loads(decided.read_text(encoding="utf-8"))
    assert content["keep_largest"] == {"foreground": True, "classes": []}
    # The same patient twice, by two networks.
    assert (content["num_patients"], content["info"]["folds"]) == (1, [0, 1])
    assert "Images, by all folds: Only the largest component is kept of" in ended.out
    assert "checkpoint" not in last.options
    assert "genotype_path" not in last.options
    assert last.options["mirror"] == "true"
    assert len(list((out / "predictions").iterdir())) == 1
    stages.ran.clear()
    assert run("--folds", "0", "1", "--images", str(images), "--set", "mirror=true").status == 0
    assert stages.ran == []


def test_a_file_of_the_users_own_holds_for_the_average_too(run, stages, images, tmp_path):
    stages.patients = ["first", "second"]
    words = ["--set", "postprocessing_file=null"]
    assert run("--folds", "0", "1", "--images", str(images), *words).status == 0
    assert stages.ran[-1].options["postprocessing_file"] == "null"


def test_a_failed_fold_ends_it_and_the_next_call_continues_there(run, stages):
    stages.patients = ["first", "second"]
    stages.fails_after = 8
    ended = run("--folds", "0", "1")
    assert ended.status == 3
    assert stages.names == [*CELL_STAGES, *CELL_STAGES[:3]]
    stages.fails_after = None
    stages.ran.clear()
    stages.patients = ["second"]
    assert run("--folds", "0", "1").status == 0
    assert stages.names == CELL_STAGES[2:]


def test_report_needs_no_other_file(run, stages, tmp_path):
    stages.patients = ["first", "second"]
    run("--folds", "0", "1")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Fold 0: The search chose one cell of 4 nodes" in page
    assert "Fold 1: Only the largest component is kept of the foreground" in page
    assert "Images, by all folds: Only the largest component" in page
    assert page.count("--fold 1") == 5
    assert "data:image/png;base64," in page or "Worst" not in page
    assert 'src="http' not in page
    assert "<link" not in page


def test_report_draws_patients(run, stages, tmp_path):
    stages.real_cases = True
    run()
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("<img") == 2
    assert "Worst: " in page
    assert "Median: " in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--folds", "1", "1"), "pass each once"),
        (("--folds", "-1"), "the folds are 0 to 4"),
        (("--folds", "0", "--set", "fold=1"), "contradict"),
        (("--devices", "cpu"), "no use without several --folds"),
        (("--folds", "0", "1", "--devices", "cpu", "--set", "device=cpu"), "contradict"),
        (("--folds", "0", "7"), "the folds are 0 to 4"),
    ],
)
def test_folds_that_cannot_be(run, stages, words, message):
    ended = run(*words)
    assert ended.status == 2
    assert message in ended.err
    assert stages.ran == []


def test_folds_run_side_by_side_each_on_a_device(small_hippocampus, tmp_path):
    command = ["run", "hippocampus_unet", str(small_hippocampus), "--output_dir", str(tmp_path)]
    run_folds_in_parallel(
        [*command, "--dry_run"], ["epochs=3"], [0, 1], ["cpu", "cpu"], out=tmp_path
    )
    for fold in (0, 1):
        log = (tmp_path / f"fold_{fold}" / "run.log").read_text(encoding="utf-8")
        assert f"--fold {fold}" in log
        assert "--device cpu" in log
        assert "--epochs 3" in log


def test_a_fold_that_fails_names_its_log(small_hippocampus, tmp_path):
    command = ["run", "no_such_bundle", str(small_hippocampus), "--output_dir", str(tmp_path)]
    with pytest.raises(StageError, match=r"Fold 0 ended with exit status 2.*fold_0/run\.log"):
        run_folds_in_parallel(command, [], [0], ["cpu"], out=tmp_path)


def test_a_signal_keeps_the_folds_that_wait_from_starting(tmp_path, monkeypatch, capsys):
    waiting = tmp_path / "waiting.sh"
    waiting.write_text("#!/bin/sh\necho begun\nexec sleep 60\n")
    waiting.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(waiting))
    logs = [tmp_path / f"fold_{fold}" / "run.log" for fold in range(4)]

    def stop():
        while not all(log.is_file() and log.read_text() for log in logs[:2]):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(StageError, match=r"^Fold [01] ended with exit status 143") as caught:
        run_folds_in_parallel(["run"], [], range(4), ["cpu", "cpu"], out=tmp_path)
    stopper.join()
    assert caught.value.status == 143
    assert [log.exists() for log in logs] == [True, True, False, False]
    assert "Fold 2" not in capsys.readouterr().out

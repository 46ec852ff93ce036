"""The page of real runs says what their raw files say, and these what the runs' folders hold."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import studies.own_data.__main__ as tool
from iac_components.bundling.rendering.facts import BUNDLES, IAC
from iac_components.evaluation import CaseRecord, read_metrics, write_metrics
from iac_components.evaluation.postprocessing.decision_file import DECISION_NAME
from studies.own_data.keep import CONTROL, RUN, SCORES, keep_ensemble, keep_run
from studies.own_data.page import page

STEM = "hippocampus_unet"
RUNS = (
    "hippocampus_unet3d",
    "hippocampus_unet3d_cell",
    "hippocampus_unet",
    "hippocampus_dints",
    "acdc_unet",
)
PLAN = {
    "pixdim": {"value": [1.0], "planned": [1.0], "reason": "median", "source": "nnU-Net"},
    "patch_size": {"value": [8], "planned": [16], "reason": "fits", "source": "nnU-Net"},
}


def scores(folder: Path, dice: float) -> None:
    folder.mkdir(parents=True)
    records = [CaseRecord(name, name, 1, "liver", dice, 1.0) for name in ("a", "b")]
    write_metrics(folder, records, class_names=["liver"], info={})


@pytest.fixture
def run(tmp_path) -> Path:
    """The folder of a run of one fold, whose control scores less."""
    bundles = tmp_path / "bundles"
    bundles.mkdir()
    for stage in ("search", "train", "inference"):
        name = f"{STEM}_iac_segmentation_{stage}"
        (bundles / name).symlink_to(BUNDLES / name)
    (bundles / f"{STEM}_plan.json").write_text(json.dumps({"decisions": PLAN}), encoding="utf-8")
    out = tmp_path / "run"
    scores(out / "evaluate", 0.8)
    scores(out / "control" / "evaluate", 0.75)
    (out / "search").mkdir()
    shutil.copy(IAC / "genotypes" / f"{STEM}.json", out / "search" / "genotype.json")
    decision = {
        "schema_version": 1,
        "keep_largest": {"foreground": False, "classes": []},
        "num_patients": 3,
        "dice": {"with": {}, "without": {}},
    }
    (out / "postprocess").mkdir()
    (out / "postprocess" / DECISION_NAME).write_text(json.dumps(decision), encoding="utf-8")
    record = {"schema_version": 1, "finished": {}, "seconds": {"search": 90.0, "train": 30.0}}
    (out / "run.json").write_text(json.dumps(record), encoding="utf-8")
    request = {
        "schema_version": 1,
        "bundles": str(bundles / f"{STEM}_iac_segmentation"),
        "dataset_dir": str(tmp_path),
        "set": ["epochs=3"],
    }
    (out / "request.json").write_text(json.dumps(request), encoding="utf-8")
    return out


def test_scores_findings_and_times_are_kept_and_no_place_on_a_disk(run, tmp_path):
    kept = tmp_path / "kept"
    keep_run(run, kept)
    assert [record.dice for record in read_metrics(kept / SCORES)] == [0.8, 0.8]
    assert [record.dice for record in read_metrics(kept / CONTROL)] == [0.75, 0.75]
    content = json.loads((kept / RUN).read_text(encoding="utf-8"))
    assert (content["stem"], content["set"]) == (STEM, ["epochs=3"])
    assert content["folds"]["0"]["seconds"] == {"search": 90.0, "train": 30.0}
    assert not content["folds"]["0"]["plain"]
    assert all(str(tmp_path) not in path.read_text(encoding="utf-8") for path in kept.iterdir())


def test_a_run_that_tested_nobody_is_refused(run, tmp_path):
    shutil.rmtree(run / "evaluate")
    with pytest.raises(ValueError, match="has tested no fold"):
        keep_run(run, tmp_path / "kept")


def test_the_page_is_made_of_the_raw_files(run, tmp_path, monkeypatch):
    for name in RUNS:
        keep_run(run, tmp_path / "results" / name)
    scores(tmp_path / "average" / "cross_validation", 0.9)
    keep_ensemble(tmp_path / "average", tmp_path / "results" / "hippocampus_ensemble")
    for name in ("unet", "nnunet3d"):
        (tmp_path / name).mkdir()
        shutil.copy(tmp_path / "results" / "acdc_unet" / CONTROL, tmp_path / name / "fold_0.csv")
    monkeypatch.setattr("studies.own_data.page.FOLD_0", tmp_path)
    text = page(tmp_path / "results")
    assert f"own_bundles/{STEM} ACDC --folds 0 --control --set epochs=3" in text
    assert "| patch_size | `[8]` | edited; the rules give [16] | nnU-Net |" in text
    assert "| liver | 80.00 [80.00, 80.00] | 1.00 [1.00, 1.00] |" in text
    assert "mean Dice 0.800 with the cell, 0.750 without, +5.00 points" in text
    assert "| 3-D U-Net | 2 | 80.00 [80.00, 80.00] | 1.00 [1.00, 1.00] | - | 2 |" in text
    assert "| 90.00 [90.00, 90.00] | 1.00 [1.00, 1.00] | +10.00 points" in text
    assert "| 2-D U-Net | 2 | 75.00 | 80.00 | -5.00 points" in text


def test_a_run_without_cells_is_its_own_control(run, tmp_path):
    shutil.copy(IAC / "no_cell" / f"{STEM}.json", run / "search" / "genotype.json")
    shutil.rmtree(run / "control")
    keep_run(run, tmp_path / "kept")
    assert not (tmp_path / "kept" / CONTROL).exists()


def test_a_topology_search_has_no_control(run, tmp_path):
    bundles = tmp_path / "bundles"
    for stage in ("search", "train", "inference"):
        name = f"hippocampus_dints_segmentation_{stage}"
        (bundles / name).symlink_to(BUNDLES / name)
    (bundles / f"{STEM}_plan.json").rename(bundles / "hippocampus_dints_plan.json")
    request = json.loads((run / "request.json").read_text(encoding="utf-8"))
    request["bundles"] = str(bundles / "hippocampus_dints_segmentation")
    (run / "request.json").write_text(json.dumps(request), encoding="utf-8")
    found = BUNDLES / "hippocampus_dints_segmentation_train" / "architecture.json"
    shutil.copy(found, run / "search" / "architecture.json")
    kept = tmp_path / "kept"
    keep_run(run, kept)
    assert not (kept / CONTROL).exists()
    content = json.loads((kept / RUN).read_text(encoding="utf-8"))
    assert content["stem"] == "hippocampus_dints"
    assert not content["folds"]["0"]["plain"]


def test_committed_page_is_what_the_raw_files_make():
    assert tool.PAGE.read_text(encoding="utf-8") == page()

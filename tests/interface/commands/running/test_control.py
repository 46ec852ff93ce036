"""``iac run --control``: the plain network trained as long, and whether the cell pays."""

from __future__ import annotations

import json
import shutil

import pytest

from iac_components.bundling.rendering.facts import IAC
from iac_components.evaluation import CaseRecord, compare_runs
from iac_components.interface.running.results.against_control import control_in_a_sentence

CELL_STAGES = ["backbone", "search", "train", "postprocess", "evaluate", "predict"]
CONTROL = ["control", "control_scores"]


@pytest.fixture
def no_cell(stages, monkeypatch):
    """Let searches keep no cell."""
    real = type(stages).__call__

    def call(self, stage):
        real(self, stage)
        if stage.name == "search":
            shutil.copy(IAC / "no_cell" / "hippocampus_unet.json", stage.result)

    monkeypatch.setattr(type(stages), "__call__", call)


def test_the_plain_network_is_trained_as_the_one_with_cells_is(run, stages, tmp_path):
    ended = run("--control", "--set", "train.epochs=7", "epochs=9")
    assert (ended.status, ended.err) == (0, "")
    assert stages.names == [*CELL_STAGES, *CONTROL]
    options = {stage.name: dict(stage.options) for stage in stages.ran}
    out = tmp_path / "out"
    train, control = options["train"], options["control"]
    assert control["skip_module"] == "plain"
    assert control["epochs"] == "7"
    places = {"output_dir", "ckpt_dir", "skip_module", "genotype_path"}
    assert {k: v for k, v in control.items() if k not in places} == {
        k: v for k, v in train.items() if k not in places
    }
    assert control["backbone_ckpt"] == out / "backbone" / "models" / "model.pt"
    scores = options["control_scores"]
    assert scores["skip_module"] == "plain"
    assert scores["ckpt_dir"] == control["ckpt_dir"] == out / "control" / "models"
    assert scores["postprocessing_file"] == options["evaluate"]["postprocessing_file"]
    assert "genotype_path" not in scores
    assert "Too few patients to tell them apart." in ended.out


def test_all_folds_are_compared_together_and_the_page_says_it(run, stages, tmp_path):
    stages.real_cases = True
    stages.dice = [0.9, 0.7, 0.8, 0.75]
    ended = run("--control", "--folds", "0", "1")
    assert (ended.status, ended.err) == (0, "")
    assert stages.names == [*CELL_STAGES, *CONTROL] * 2
    content = json.loads((tmp_path / "out" / "control" / "comparison.json").read_text())
    (row,) = (r for r in content["rows"] if r["metric"] == "dice" and r["class_name"] is None)
    assert (row["run"], content["reference"], row["n_patients"]) == ("cell", "plain", 2)
    assert row["run_mean"] == pytest.approx(0.85)
    assert row["reference_mean"] == pytest.approx(0.725)
    sentence = "on 2 test patients: mean Dice 0.850 with the cell, 0.725 without, +12.50 points"
    assert sentence in ended.out
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert sentence in page
    assert "Does the cell pay?" in page
    for fold in (0, 1):
        assert f"fold_{fold}/control/evaluate" in page  # of the commands
    stages.ran.clear()
    assert run("--control", "--folds", "0", "1").status == 0
    assert stages.ran == []


def test_without_a_cell_there_is_nothing_to_compare(run, stages, no_cell, tmp_path):
    ended = run("--control")
    assert ended.status == 0
    assert stages.names == CELL_STAGES
    assert "The search kept no cell: the network is the plain one" in ended.out
    assert not (tmp_path / "out" / "control").exists()


def test_a_finished_run_gets_its_control_later(run, stages):
    run()
    stages.ran.clear()
    assert run("--control").status == 0
    assert stages.names == CONTROL


@pytest.mark.parametrize("again", ["backbone", "train", "predict"])
def test_a_stage_that_is_repeated_leaves_no_control_of_before(run, stages, again):
    run("--control")
    run("--again", again)
    stages.ran.clear()
    assert run("--control").status == 0
    assert stages.names == CONTROL


def test_a_second_call_lists_it_as_ended(run):
    run("--control")
    listed = [line.split() for line in run("--control").out.splitlines() if "ended before" in line]
    assert [words[1] for words in listed] == [*CELL_STAGES, *CONTROL]


def test_where_only_cells_are_trained_the_backbone_is_the_control(run, stages, tmp_path):
    ended = run("--control", "--set", "train.frozen_backbone=true")
    assert (ended.status, ended.err) == (0, "")
    assert stages.names == [*CELL_STAGES, "control_scores"]
    assert stages.ran[-1].options["ckpt_dir"] == tmp_path / "out" / "backbone" / "models"


def test_a_dry_run_prints_the_control_too(run, stages):
    printed = run("--control", "--dry_run").out
    assert "# 8. score the plain network on the same patients" in printed
    assert stages.ran == []


@pytest.mark.parametrize(
    ("words", "stem", "message"),
    [
        (["--until", "train"], "hippocampus_unet", "--until and --control contradict"),
        (["--set", "fold=all"], "hippocampus_unet", "leaves no patient to compare on"),
        (["--set", "train.skip_module=plain"], "hippocampus_unet", "is of the plain network"),
        ([], "hippocampus_dints", "a topology search has no plain network"),
    ],
)
def test_what_cannot_have_a_control_is_refused(run, stages, words, stem, message):
    ended = run("--control", *words, stem=stem)
    assert ended.status == 2
    assert message in ended.err
    assert stages.ran == []


def records(dice):
    return [
        CaseRecord(f"p{number}", f"p{number}", 1, "liver", value, 1.0)
        for number, value in enumerate(dice)
    ]


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ([0.02, 0.03, 0.01, 0.04, 0.02, 0.05], "The cell pays."),
        ([-0.02, -0.03, -0.01, -0.04, -0.02, -0.05], "The plain network is better: do without"),
        ([0.02, -0.03, 0.01, -0.02, 0.03, -0.01], "No difference is shown: the plain network"),
    ],
)
def test_the_verdict_follows_the_paired_test(gains, verdict):
    plain = [0.5, 0.6, 0.7, 0.8, 0.55, 0.65]
    cells = [a + b for a, b in zip(plain, gains, strict=True)]
    comparison = compare_runs({"plain": records(plain), "cell": records(cells)})
    assert verdict in control_in_a_sentence(comparison)

"""The page of benchmarks says what the raw files say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import studies.search_cost.write as tool

ROOT = Path(__file__).parents[3]
SEARCHES = sorted(
    path.stem for kind in ("search", "scratch") for path in tool.RAW.glob(f"{kind}_*.json")
)


@pytest.fixture
def raw(tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "RAW", tmp_path)

    def write(name, content):
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")

    return write


def search(**changes):
    paired = {"mean_difference": 0.001, "lower": -0.004, "upper": 0.006, "non_inferior": True}
    training = {"total": {"cpu": 400.0}, "steps": 100}
    return {
        "ratios": [{"of": "full", "to": "pruned", "wall": 17.0, "cpu": 16.5}],
        "comparisons": [
            {"against": "full", "paired": paired},
            {"against": "random", "paired": paired},
        ],
        "costs": {"pruned": {"mean": {"total": {"cpu": 50.0}}}},
        "trainings": {"pruned": {"0": training, "1": training}},
        "own_training_steps": 100,
        "dice": {"pruned": {"by_seed": {"0": 0.8, "1": 0.8, "2": 0.8}}},
        "cells": {
            "pruned": {seed: {"search_seed": int(seed), "genotype": []} for seed in "012"},
            "full": {seed: {"search_seed": 0, "genotype": []} for seed in "012"},
        },
        **changes,
    }


def test_committed_page_is_what_the_raw_files_make():
    assert (ROOT / "docs" / "BENCHMARKS.md").read_text(encoding="utf-8") == tool.page()


@pytest.mark.parametrize("name", SEARCHES)
def test_committed_tables_are_what_the_raw_files_make(name):
    path = tool.RAW / f"{name}.md"
    assert path.read_text(encoding="utf-8") == tool.search_page(name)


def test_random_cells_are_the_same_in_every_bundle():
    """As the page says."""
    drawn = [
        [cell["digest"] for cell in tool.raw(name)["cells"]["random"].values()] for name in SEARCHES
    ]
    assert len(set(drawn[0])) == 3
    assert all(digests == drawn[0] for digests in drawn)


def test_a_ratio_is_met_by_both_clocks(raw):
    raw("search_a_unet", search())
    slow = {"of": "full", "to": "pruned", "wall": 17.0, "cpu": 15.9}
    raw("search_b_unet", search(ratios=[slow]))
    rows = list(tool.ratio_rows("full", "pruned", least=16))
    assert [(row.where, row.met) for row in rows] == [("a_unet", True), ("b_unet", False)]
    assert rows[1].render().endswith("| 15.9 (wall-clock 17.0) | **missed** |")


def test_quality_is_against_the_full_search_alone(raw):
    raw("search_a_unet", search())
    raw("search_b_unet", search(dice={"pruned": {"by_seed": {"0": 0.8}}}))
    found = [(row.measured, row.met) for row in tool.quality_rows("search", "cells alone")]
    interval = "+0.10 [-0.40, +0.60]"
    cells = "cells: 3 of `pruned`, 1 of `full`"
    assert found == [
        (f"{interval}, seeds of the trainings: 3; {cells}", True),
        (f"{interval}, seeds of the trainings: 1; {cells}", False),
    ]


def test_from_scratch_is_a_row_and_a_section_of_its_own(raw, tmp_path):
    raw("scratch_a_unet", search())
    assert not list(tool.quality_rows("search", "cells alone"))
    (row,) = tool.quality_rows("scratch", "whole")
    assert (row.what, row.where) == ("Dice, whole, `pruned` less `full`, points", "a_unet")
    parts = [
        "# A",
        "costs",
        "## What its cell is worth",
        "",
        "A table.",
        "",
        "### The search against",
    ]
    (tmp_path / "scratch_a_unet.md").write_text("\n".join(parts), encoding="utf-8")
    assert tool.quality_from_scratch("a_unet") == "A table."
    assert "## From scratch: a, unet\n\nA table.\n" in tool.page()


@pytest.mark.parametrize(("seconds", "met"), [(100.0, True), (101.0, False)])
def test_search_may_cost_a_quarter_of_training(raw, seconds, met):
    raw("search_a_unet", search(costs={"pruned": {"mean": {"total": {"cpu": seconds}}}}))
    (row,) = tool.training_rows()
    assert row.met is met
    # A step takes 4 s here, and the bundle's own schedule has 100.
    assert row.measured.startswith(f"{seconds / 400:.3f}: ")
    assert f"1/4 from {seconds:.0f} steps on" in row.measured


def test_what_was_not_measured_has_no_row(raw):
    raw("search_a_unet", search(comparisons=[], costs={}, trainings={}, ratios=[]))
    raw("search_b_unet", search(comparisons=[], trainings={"pruned": {}}, ratios=[]))
    assert [row for rows in tool.TARGETS for row in rows()] == []


def test_rows_of_single_tools(raw):
    clocks = {"wall": {"median": 1.9}, "cpu": {"median": 1.7}}
    case = {"case": "ours", "yardstick_over_case": clocks}
    raw("step", {"settings": [{"subject": "a_unet", "cases": [case, {"case": "fused"}]}]})
    record = {"subject": "a_unet", "over_plain": {"peak": 1.5}}
    raw("memory", {"records": [{**record, "case": "plain"}, {**record, "case": "search"}]})
    pairs = {"wall": {"median_of_pairs": 1.2}, "cpu": {"median_of_pairs": 1.1}}
    raw("inference", {"records": [{"bundle": "a_unet", "forward": {"cells_over_plain": pairs}}]})
    rows = [*tool.step_rows(), *tool.memory_rows(), *tool.inference_rows()]
    assert [(row.measured, row.met) for row in rows] == [
        ("1.70 (wall-clock 1.90)", False),
        ("1.50", True),
        ("1.10 (wall-clock 1.20)", False),
    ]

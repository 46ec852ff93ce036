"""The page of benchmarks says what the raw files say."""

from __future__ import annotations

from pathlib import Path

import pytest

import studies.search_cost.write as tool
from studies.search_cost.pages.tables import (
    growth_table,
    inference_table,
    memory_table,
    quality_table,
    search_table,
    step_table,
)

ROOT = Path(__file__).parents[3]
MEBIBYTE = 2**20


def cells_of(table: str) -> list[list[str]]:
    """The rows of a table without its header."""
    return [line.strip("| ").split(" | ") for line in table.splitlines()][2:]


def cost(seconds: float, *, epochs: int = 10, steps: int = 40) -> dict[str, object]:
    return {"epochs": epochs, "steps": steps, "total": {"cpu": seconds}}


def search() -> dict[str, object]:
    arms = {"backbone": 0.8, "plain": 0.7, "pruned": 0.81, "full": 0.82, "random": 0.83}
    return {
        "costs": {
            "pruned": {"by_seed": {"0": cost(10), "1": cost(20, epochs=12)}},
            "full": {"mean": cost(200)},
            "reference": {"mean": cost(300)},
        },
        # Two seconds a step, of which the schedule has 1000.
        "trainings": {"pruned": {"0": cost(80), "1": cost(80)}},
        "own_training_steps": 1000,
        "dice": {arm: {"mean": value} for arm, value in arms.items()},
    }


def test_committed_page_is_what_the_raw_files_make():
    assert (ROOT / "docs" / "BENCHMARKS.md").read_text(encoding="utf-8") == tool.page()


def test_the_page_is_short():
    assert tool.page().count("\n") <= 120


def test_random_cells_are_the_same_in_every_bundle():
    """So that four rows of the quality table have one and the same three."""
    drawn = [
        [cell["digest"] for cell in record["cells"]["random"].values()]
        for record in tool.read_searches().values()
    ]
    assert len(set(drawn[0])) == 3
    assert all(digests == drawn[0] for digests in drawn)


def test_every_pruned_search_has_its_ratio():
    (row,) = cells_of(search_table({"a_unet": search()}))
    assert row == ["a_unet", "10, 12", "10, 20", "200", "20.0, 10.0", "30.0, 15.0", "0.0075"]


def test_arms_are_rows_and_bundles_columns():
    rows = cells_of(quality_table({"a": search(), "b": search()}))
    assert rows[0] == ["backbone as it came", "80.00", "80.00"]
    assert [row[1] for row in rows] == ["80.00", "70.00", "81.00", "82.00", "83.00"]


def test_a_step_is_ours():
    case = {
        "case": "ours",
        "milliseconds": {"cpu": {"median": 500.4}},
        "yardstick_over_case": {"cpu": {"median": 1.7}},
        "saved_bytes": {"weight_step": 2 * MEBIBYTE},
    }
    setting = {
        "subject": "a_unet",
        "input_shape": [4, 1, 8, 8],
        "yardstick_saved_bytes": {"weight_step": 3 * MEBIBYTE},
        "cases": [{"case": "other"}, case],
    }
    (row,) = cells_of(step_table({"settings": [setting]}))
    assert row == ["a_unet, 4x1x8x8", "500", "1.70", "2.0", "3.0"]


def test_peaks_are_set_against_plain_training():
    cases = ["plain", "search", "search, checkpointing", "yardstick"]
    records = [
        {
            "subject": "net",
            "input_shape": [2, 1, 8],
            "case": case,
            "peak_bytes": times * MEBIBYTE,
            "over_plain": {"peak": times},
        }
        for times, case in enumerate(cases, start=1)
    ]
    (row,) = cells_of(memory_table({"records": records}))
    assert row == ["net, 2x1x8", "1.0", "2.0 (2.00)", "3.0 (3.00)", "4.0 (4.00)"]


def test_inference_without_volumes_has_no_path():
    part = {"cells_over_plain": {"cpu": {"median_of_pairs": 1.25}}}
    record = {
        "bundle": "a_unet",
        "channel_divisor": 1,
        "forward": {**part, "flops_cells_over_plain": 1.1},
        "whole_path": part,
    }
    narrow = {**record, "channel_divisor": 4, "whole_path": None}
    lines = inference_table({"records": [record]}, {"records": [narrow]}).splitlines()[2:]
    assert lines == [
        "| a_unet | all | 1.10 | 1.25 | 1.25 |",
        "| a_unet | 1 of 4 | 1.10 | 1.25 |  |",
    ]


def test_growth_is_of_the_fit():
    factor = {
        "title": "voxels",
        "series": "3-D",
        "rows": [{"value": 8}, {"value": 64}],
        "doubling_multiplies": {"cpu_time": 1.5, "memory": 2.0},
    }
    (row,) = cells_of(growth_table({"factors": [factor]}))
    assert row == ["voxels, 3-D", "8 to 64", "1.50", "2.00"]


def test_records_of_two_machines_make_no_page():
    one = {"date": "2026-01-02", "machine": {"cpu": "a", "cores": 2, "threads": 1, "torch": "2"}}
    other = {**one, "machine": {**one["machine"], "cpu": "b"}}
    assert tool._machine([one, one])["days"] == "2026-01-02"
    with pytest.raises(ValueError, match="different machines"):
        tool._machine([one, other])

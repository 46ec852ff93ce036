"""The page of results says what the raw files say, on one page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import studies.summary.__main__ as tool
from iac_components.evaluation import CaseRecord
from studies.cell_table.rows.table import CellTable
from studies.summary.tables import cells_table, found_table, gain, row_of, weights_table

ROOT = Path(__file__).parents[2]


def table(names: tuple[str, ...], dice: list[float]) -> CellTable:
    count = len(names)
    return CellTable(
        names=names,
        kinds=tuple(name.partition("-")[0] for name in names),
        cells=({},) * count,
        patients=("p", "q"),
        dice=np.broadcast_to(np.array(dice)[:, None, None], (count, 2, 2)).copy(),
        parameters=np.full(count, 100),
        multiply_adds=np.array([0, *[100] * (count - 1)]),
        milliseconds=np.full(count, 3.0),
        slowdown=np.arange(1.0, count + 1),
    )


NAMES = ("none", "uniform-skip_connect-1", "random-2-00", "random-2-01", "levels-a-xo")
TABLE = table(NAMES, [0.2, 0.5, 0.6, 0.7, 0.4])


def test_committed_page_is_what_the_raw_files_make():
    assert (ROOT / "docs" / "RESULTS.md").read_text(encoding="utf-8") == tool.page()


def test_the_page_is_one():
    assert tool.page().count("\n") <= 140


def test_raw_files_that_the_page_names_are_there():
    for name in ("cell_table", "planted", "found", "search_cost", "off_centre"):
        assert (ROOT / "studies" / name / "results").is_dir()


def test_kinds_are_rows_and_scanners_columns():
    few = table(NAMES[:3], [0.1, 0.2, 0.3])
    rows = cells_table({"one": TABLE, "other": few}).splitlines()[2:]
    assert rows[0] == "| no cell | 0.200 | 1.00 | 0.100 | 1.00 |"
    assert "| random, 2 nodes | 0.650 (0.600 to 0.700), 2 | 3.50 | 0.300 | 3.00 |" in rows
    assert rows[-1] == "| one node at some levels only | 0.400 | 5.00 |  |  |"


def test_a_table_without_an_anchor_is_named():
    with pytest.raises(ValueError, match="no complete configuration 'none'"):
        row_of(table(NAMES[1:], [0.1] * 4), "none")


def test_the_cheapest_cell_is_set_against_none_and_the_best():
    assert tool._share_of_the_cheapest(TABLE) == pytest.approx(0.6)


def test_found_cells_stand_against_random_ones():
    costs = {"parameters": 1, "multiply_adds": 50, "milliseconds": 2.0, "plain_milliseconds": 1.0}
    search = {
        "kind": "searched",
        "epochs": 9,
        "search_seconds": 5.0,
        "genotype": {"nodes": []},
        "trained": [{"dice": {"p": 0.65}, "costs": costs}],
    }
    (row,) = found_table({"audit": [search]}, TABLE).splitlines()[2:]
    assert row == "| audit | 1 | 0.650 | 0.650 |  | +5.00 | 0.50 | 2.00 | 1 | 5 |"


def test_arguments_are_refused():
    with pytest.raises(SystemExit, match="takes no arguments"):
        tool.main(["--page"])


def scores(mean):
    return {"mean": mean, "interval_95": [mean - 0.1, mean + 0.1]}


def test_a_network_is_a_row_of_its_classes_and_means():
    test = {
        "dice": {"classes": {"head": scores(0.5), "tail": scores(0.7)}, "mean": scores(0.6)},
        "hd95": {"classes": {}, "mean": scores(2.0)},
    }
    header, _, row = weights_table({"a": test}).splitlines()
    assert header == "| network | head | tail | mean Dice x 100 | HD95, mm |"
    cells = "50.00 [40.00, 60.00] | 70.00 [60.00, 80.00] | 60.00 [50.00, 70.00] | 2.00 [1.90, 2.10]"
    assert row == f"| a | {cells} |"


def test_a_gain_is_paired_by_patient():
    def run(dice):
        return [
            CaseRecord(f"p{n}", f"c{n}", 1, "organ", score, 1.0, 0.0)
            for n, score in enumerate(dice)
        ]

    found = gain(run([0.6, 0.7, 0.8, 0.9]), run([0.5, 0.6, 0.7, 0.8]))
    assert found.startswith("+10.00 points (+10.00 to +10.00, p = 0.1")
    assert gain(run([0.5, 0.9]), run([0.6, 0.6])).startswith("+10.00 points (-10.00 to +30.00")

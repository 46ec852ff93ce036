from __future__ import annotations

import numpy as np
import pytest

from studies.cell_table.findings.report import report
from studies.cell_table.rows.configurations import configurations
from studies.cell_table.rows.records import read_lines
from studies.cell_table.rows.table import RESULTS, load_table, make_table
from studies.cell_table.run import SEEDS
from studies.cell_table.settings import load_settings

NAMES = [configuration.name for configuration in configurations()]


def row(name, seed, value, *, shift="inverted", milliseconds=2.0):
    return {
        "shift": shift,
        "configuration": name,
        "seed": seed,
        "cell": {"kind": name.partition("-")[0], "nodes": [], "levels": []},
        "dice": {"p2": value, "p1": value - 0.1},
        "costs": {
            "parameters": 10,
            "multiply_adds": 20,
            "milliseconds": milliseconds,
            "plain_milliseconds": 1.0,
        },
    }


def test_scores_are_of_seeds_and_patients_in_order():
    table = make_table(
        [row("a", 1, 0.8), row("a", 0, 0.6), row("b", 0, 0.5), row("b", 1, 0.5)], shift="inverted"
    )
    assert table.names == ("a", "b")
    assert table.patients == ("p1", "p2")
    np.testing.assert_allclose(table.dice[0], [[0.5, 0.6], [0.7, 0.8]])
    np.testing.assert_allclose(table.scores, [[0.55, 0.75], [0.45, 0.45]])


def test_a_configuration_without_all_seeds_and_other_shifts_are_left_out():
    rows = [row("a", 0, 0.5), row("a", 1, 0.5), row("b", 0, 0.5), row("a", 0, 0.1, shift="bias")]
    assert make_table(rows, shift="inverted").names == ("a",)
    with pytest.raises(ValueError, match="no configuration is complete at shift 'blur'"):
        make_table(rows, shift="blur")


def test_the_less_disturbed_time_counts():
    rows = [row("a", 0, 0.5, milliseconds=3.0), row("a", 1, 0.5, milliseconds=2.0)]
    table = make_table(rows, shift="inverted")
    assert table.milliseconds == table.slowdown == [2.0]


def test_a_report_of_an_empty_table_says_so(tmp_path):
    assert "no configuration is complete" in report(load_settings("hippocampus"), tmp_path / "none")


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_kept_tables_are_of_the_settings_beside_them(path):
    settings = load_settings(path.stem)
    records = list(read_lines(path))
    assert {record["settings"] for record in records} == {settings.digest}
    for shift in settings.shifts:
        assert len({record["backbone"] for record in records if record["shift"] == shift}) == 1
    assert {record["configuration"] for record in records} <= set(NAMES)
    for shift in settings.shifts:
        table = load_table(path.stem, shift)
        assert table.dice.shape[1] == len(SEEDS)
        assert ((table.dice >= 0) & (table.dice <= 1)).all()
    assert settings.name in report(settings, path)

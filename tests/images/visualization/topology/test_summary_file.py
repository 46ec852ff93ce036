from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.common.files.csv_table import CsvTable, Numbers
from iac_components.common.trace_format import SUMMARY_COLUMNS
from iac_components.visualization.topology.summary_file import read_summary

Rows = list[dict[str, object]]
Make = Callable[..., Path]


def test_every_value_arrives_at_its_place(
    make_summary: Make, make_summary_rows: Callable[..., Rows]
) -> None:
    rows = make_summary_rows(epochs=10)
    summary = read_summary(make_summary(rows))
    assert summary.epochs.tolist() == list(range(1, 11))
    for column in SUMMARY_COLUMNS[1:]:
        expected = [np.nan if row[column] == "" else float(str(row[column])) for row in rows]
        np.testing.assert_array_equal(getattr(summary, column), expected)
    assert summary.warm_up_epochs == 3


@pytest.mark.parametrize(("trained", "expected"), [((), 4), ((1,), 0), ((3, 4), 2), ((2, 4), 1)])
def test_warm_up_ends_at_the_first_loss_of_the_architecture(
    make_summary: Make,
    make_summary_rows: Callable[..., Rows],
    trained: tuple[int, ...],
    expected: int,
) -> None:
    rows = make_summary_rows(epochs=4)
    for row in rows:
        row["architecture_loss"] = 0.7 if row["epoch"] in trained else ""
    assert read_summary(make_summary(rows)).warm_up_epochs == expected


@pytest.mark.parametrize(("budget", "gigabytes"), [(0.5, 6.0), (0.25, 3.0), (None, np.nan)])
def test_budget_in_gigabytes_follows_from_the_fractions(
    make_summary: Make, budget: float | None, gigabytes: float
) -> None:
    summary = read_summary(make_summary(epochs=5, budget=budget))
    np.testing.assert_allclose(summary.budget_gigabytes, np.full(5, gigabytes))


def test_budget_is_unknown_where_no_memory_was_expected(
    make_summary: Make, make_summary_rows: Callable[..., Rows]
) -> None:
    rows = make_summary_rows(epochs=3)
    for row in rows:
        row["expected_memory_gigabytes"] = row["expected_memory_fraction"] = 0
    assert np.isnan(read_summary(make_summary(rows)).budget_gigabytes).all()


@pytest.mark.parametrize("column", SUMMARY_COLUMNS)
def test_missing_column_is_named(make_summary: Make, column: str) -> None:
    path = make_summary(epochs=2)
    place = SUMMARY_COLUMNS.index(column)
    lines = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text("\n".join(",".join(x[:place] + x[place + 1 :]) for x in lines))
    with pytest.raises(
        ValueError, match=rf"search_summary\.csv: line 1 lacks the column '{column}'"
    ):
        read_summary(path)


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("epoch", "two"),
        ("epoch", "-2"),
        ("epoch", "2.0"),
        ("seconds", "-1"),
        ("seconds", ""),
        ("loss", "nan"),
        ("loss", ""),
        ("architecture_loss", "inf"),
        ("architecture_loss", " "),
        ("regularizer_weight", "-0.1"),
        ("path_entropy", "x"),
        ("operation_entropy", "-inf"),
        ("topology_loss", "1e999"),
        ("expected_memory_gigabytes", "-5"),
        ("expected_memory_fraction", "nan"),
        ("budget_fraction", "-0.5"),
        ("living_operations", "3.5"),
        ("validation_dice", "1.2"),
        ("validation_dice", "None"),
    ],
)
def test_wrong_value_names_line_and_column(
    make_summary: Make, make_summary_rows: Callable[..., Rows], column: str, field: str
) -> None:
    rows = make_summary_rows(epochs=3)
    rows[1][column] = field
    with pytest.raises(
        ValueError, match=rf"search_summary\.csv: line 3, column '{column}': '{field}' is not"
    ):
        read_summary(make_summary(rows))


@pytest.mark.parametrize(
    ("order", "line", "wrong"),
    [((1, 3), 3, 3), ((2, 3), 2, 2), ((1, 1, 2), 3, 1), ((1, 3, 2), 3, 3), ((0, 1), 2, 0)],
)
def test_gap_in_the_epochs_names_its_line(
    make_summary: Make,
    make_summary_rows: Callable[..., Rows],
    order: tuple[int, ...],
    line: int,
    wrong: int,
) -> None:
    rows = [{**make_summary_rows(epochs=1)[0], "epoch": epoch} for epoch in order]
    message = rf"search_summary\.csv: line {line}, column 'epoch': '{wrong}' is not {line - 1}, "
    with pytest.raises(ValueError, match=message):
        read_summary(make_summary(rows))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1 lacks the column 'epoch'"),
        (",".join(SUMMARY_COLUMNS) + "\n", "holds no epoch"),
        (",".join(reversed(SUMMARY_COLUMNS)), "must be exactly"),
        (",".join(SUMMARY_COLUMNS) + "\n1,2,3\n", "line 2 has 3 of 13 fields"),
    ],
)
def test_other_content_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "search_summary.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=rf"search_summary\.csv: .*{message}"):
        read_summary(path)


def test_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.csv: no such summary"):
        read_summary(tmp_path / "absent.csv")


@given(value=st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_passes_exactly_if_it_is_in_its_range(value: float) -> None:
    table = CsvTable(Path("x.csv"), [2], {"share": (repr(value),)})
    kind = Numbers("a number from 0 to 1", 0, 1)
    if -1e-6 <= value <= 1 + 1e-6:
        assert table.numbers("share", kind).tolist() == [value]
    else:
        with pytest.raises(ValueError, match=r"x\.csv: line 2, column 'share': .* from 0 to 1"):
            table.numbers("share", kind)

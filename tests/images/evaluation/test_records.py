from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.evaluation import CaseRecord, read_metrics
from iac_components.evaluation.records import format_csv

# As version 0.4 wrote it, and as it is written now.
HEADER = "patient,case,label,class,dice,hd95\n"
NEW_HEADER = "patient,case,label,class,dice,hd95,false_positive_ml\n"

names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12
)
sizes = st.floats(0, 1e6, allow_nan=False, allow_infinity=False)
scores = st.one_of(
    st.none(),
    st.tuples(st.floats(0, 1), sizes),
    st.tuples(st.floats(0, 1), sizes, sizes),
)


def write(folder: Path, text: str) -> Path:
    file = folder / "metrics.csv"
    file.write_text(text, encoding="utf-8")
    return file


@given(rows=st.lists(st.tuples(names, names, st.integers(1, 9), names, scores), min_size=1))
def test_csv_round_trip_is_exact(
    rows: list[tuple[str, str, int, str, tuple[float, ...] | None]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    records = list(
        {
            (patient, case, label): CaseRecord(
                patient, case, label, name, *(score or (math.nan, math.nan))
            )
            for patient, case, label, name, score in rows
        }.values()
    )
    folder = tmp_path_factory.mktemp("csv")
    write(folder, format_csv(records))
    # NaN is not equal to itself, repr is.
    assert repr(read_metrics(folder)) == repr(records)


def test_excluded_scores_are_empty_cells(tmp_path: Path) -> None:
    text = format_csv([CaseRecord("p, 1", "c", 1, "LV", math.nan, math.nan)])
    assert text == NEW_HEADER + '"p, 1",c,1,LV,,,\n'
    record = read_metrics(write(tmp_path, text))[0]
    assert math.isnan(record.dice)
    assert math.isnan(record.hd95)
    assert math.isnan(record.false_positive_ml)


def test_false_positives_are_written_and_files_of_version_0_4_have_none(tmp_path: Path) -> None:
    text = format_csv([CaseRecord("p", "c", 1, "LV", 0.0, 9.0, 1.25)])
    assert text == NEW_HEADER + "p,c,1,LV,0.0,9.0,1.25\n"
    assert read_metrics(write(tmp_path, text))[0].false_positive_ml == 1.25
    old = read_metrics(write(tmp_path, HEADER + "p,c,1,LV,0.0,9.0\n"))[0]
    assert math.isnan(old.false_positive_ml)


def test_a_file_never_holds_a_dice_without_a_distance() -> None:
    with pytest.raises(ValueError, match="excluded together"):
        format_csv([CaseRecord("p", "c", 1, "LV", 0.5, math.nan)])


def test_folder_byte_order_mark_line_ends_and_extra_columns_are_read(tmp_path: Path) -> None:
    write(tmp_path, "\ufeffhd95,dice,class,label,case,patient,note\r\n2.5,0.5,LV,1,c,001,x\r\n")
    assert read_metrics(str(tmp_path)) == [CaseRecord("001", "c", 1, "LV", 0.5, 2.5)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: has no column patient, case"),
        ("patient,case,label,class,dice\np,c,1,LV,0.5\n", "line 1: has no column hd95"),
        (HEADER, "holds no scores"),
        (HEADER + "p,c,one,LV,0.5,1\n", "line 2: label 'one' is not an integer"),
        (HEADER + "p,c,0,LV,0.5,1\n", "line 2: label 0 is not a foreground label"),
        (HEADER + "p,c,1,LV,0.5,1\np,d,1,LV,nan,nan\n", "line 3: dice 'nan' is not a finite"),
        (HEADER + "p,c,1,LV,0.5,inf\n", "hd95 'inf' is not a finite"),
        (HEADER + "p,c,1,LV,high,1\n", "dice 'high' is not a finite"),
        (HEADER + "p,c,1,LV,,1\n", "excluded together"),
        (HEADER + "p,c,1,LV,0.5,\n", "excluded together"),
        (HEADER + "p,c,1,LV,1.5,1\n", "dice 1.5 is outside 0 to 1"),
        (HEADER + "p,c,1,LV,0.5,-1\n", "hd95 -1.0 is not a finite distance"),
        (HEADER + ",c,1,LV,0.5,1\n", "must not be empty"),
        (NEW_HEADER + "p,c,1,LV,0.5,1,nan\n", "false_positive_ml 'nan' is not a finite"),
        (NEW_HEADER + "p,c,1,LV,0.5,1,-2\n", "false_positive_ml -2.0 is not a finite volume"),
        (HEADER + "p,c,1,LV,0.5\n", "line 2: has another number of cells"),
        (HEADER + "p,c,1,LV,0.5,1,9\n", "line 2: has another number of cells"),
        (HEADER + '"p,c,1,LV,0.5,1\n', "line 2: unexpected end of data"),
        (HEADER + "p,c,1,LV,0.5,1\n" * 2, "patient 'p', case 'c', class 'LV' occurs twice"),
    ],
)
def test_bad_table_names_file_and_fault(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ValueError, match=message) as caught:
        read_metrics(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_binary_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"metrics\.csv' does not exist"):
        read_metrics(tmp_path)
    (tmp_path / "metrics.csv").write_bytes(b"\x1f\x8b\xff\xfe")
    with pytest.raises(ValueError, match="not text"):
        read_metrics(tmp_path)

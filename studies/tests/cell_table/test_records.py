from __future__ import annotations

import json

import pytest

from studies.cell_table.rows.records import (
    collect_records,
    read_lines,
    read_raw,
    row_key,
    write_raw,
)


def row(configuration="none", seed=0, *, shift="inverted", dice=0.5):
    return {
        "shift": shift,
        "configuration": configuration,
        "seed": seed,
        "dice": {"patient": dice},
    }


def test_rows_come_back(tmp_path):
    rows = [row("a"), row("a", 1), row("b", shift="bias")]
    for record in rows:
        write_raw(tmp_path, record)
    assert sorted(read_raw(tmp_path), key=row_key) == sorted(rows, key=row_key)


def test_what_is_kept_stays_and_what_is_new_joins_in_order(tmp_path):
    kept = tmp_path / "results" / "table.jsonl"
    assert collect_records(kept, [row("b")]) == 1
    assert collect_records(kept, [row("b", dice=0.9), row("a"), row("a", 1)]) == 3
    assert [row_key(r)[1:] for r in read_lines(kept)] == [("a", 0), ("a", 1), ("b", 0)]
    assert next(r for r in read_lines(kept) if r["configuration"] == "b")["dice"]["patient"] == 0.5


def test_rows_of_a_shift_are_of_its_newest_backbone(tmp_path):
    kept = tmp_path / "table.jsonl"
    old = [{**row(name, shift=shift), "backbone": "old"} for name in "ab" for shift in ("x", "y")]
    assert collect_records(kept, old) == 4
    assert collect_records(kept, [{**row("b", shift="x"), "backbone": "new"}]) == 3
    found = [(r["shift"], r["configuration"], r["backbone"]) for r in read_lines(kept)]
    assert found == [("x", "b", "new"), ("y", "a", "old"), ("y", "b", "old")]


def test_no_table_is_an_empty_table(tmp_path):
    assert list(read_lines(tmp_path / "absent.jsonl")) == []
    assert list(read_raw(tmp_path)) == []


@pytest.mark.parametrize("line", ["{", "[]", "{}", json.dumps({"dice": {}, "seed": 0})])
def test_a_line_that_is_no_row_is_named(tmp_path, line):
    kept = tmp_path / "table.jsonl"
    kept.write_text(json.dumps(row()) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"table\.jsonl', line 2"):
        list(read_lines(kept))


def test_a_half_written_row_is_named(tmp_path):
    write_raw(tmp_path, row())
    (tmp_path / "inverted" / "torn-seed0.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="torn-seed0"):
        list(read_raw(tmp_path))

"""Rows of CSV text, whatever made it."""

from __future__ import annotations

import pytest

from iac_components.common.files.csv_table import csv_rows


def test_rows_have_their_lines_and_the_header_comes_first():
    text = 'case;group\n"a\nb";1\n\nc;2\n'
    assert list(csv_rows(text)) == [
        (1, ["case", "group"]),
        (3, ["a\nb", "1"]),
        (4, []),
        (5, ["c", "2"]),
    ]


@pytest.mark.parametrize(("spaced", "field"), [(True, "1"), (False, " 1")])
def test_spaces_behind_a_delimiter(spaced, field):
    assert list(csv_rows("a,b\nx, 1\n", spaced=spaced))[1] == (2, ["x", field])


def test_an_open_quote_is_named_by_its_line():
    rows = csv_rows('a,b\nx,1\n"y,2\n')
    assert [next(rows), next(rows)] == [(1, ["a", "b"]), (2, ["x", "1"])]
    with pytest.raises(ValueError, match="line 3: unexpected end of data"):
        next(rows)


def test_no_text_has_no_rows():
    assert list(csv_rows("")) == []

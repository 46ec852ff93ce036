from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.common.files.text import decode_text, open_table, read_text

TEXT = "case,Gruppe\r\nüöß 1,Müller\n"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"],
)
def test_the_same_text_comes_from_any_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes(TEXT.encode(encoding))
    assert read_text(tmp_path / "a.csv") == TEXT


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])))
def test_utf_8_is_always_itself(text: str) -> None:
    # A mark at the beginning belongs to the file.
    assert decode_text(b"\xef\xbb\xbf" + text.encode()) == text


@pytest.mark.parametrize(
    "content", [b"\x1f\x8b\x08\x00ab", bytes(100), b"ab\x00cd\x01", b"\x81\x8d", b"\xff\xfe\x00"]
)
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"not text in UTF-8.*Save it as UTF-8"):
        decode_text(content)


@pytest.mark.parametrize(
    "text",
    ["a,b\n1,2\n", "a;b\n1;2\n", "a\tb\n1\t2\n", 'sep=;\r\n"a";"b"\r\n"1";2\r\n', "a;b\n1;2"],
)
def test_separators_of_spreadsheets(text: str) -> None:
    stream, delimiter = open_table(text)
    assert list(csv.reader(stream, delimiter=delimiter)) == [["a", "b"], ["1", "2"]]


def test_a_comma_within_quotes_does_not_hide_the_separator() -> None:
    stream, delimiter = open_table('a;b;c\n"1,5,7";2;3\n')
    assert list(csv.reader(stream, delimiter=delimiter))[1] == ["1,5,7", "2", "3"]

"""Tables in Markdown: words to the left, numbers to the right, bars kept in their cell."""

from __future__ import annotations

import pytest

from iac_components.common.pages.markdown_table import markdown_table


@pytest.mark.parametrize(
    ("words", "rule"),
    [(1, "| --- | ---: | ---: |"), (2, "| --- | --- | ---: |"), (3, "| --- | --- | --- |")],
)
def test_first_columns_are_words(words, rule):
    table = markdown_table(["a", "b", "c"], [["x", "1", "2"]], words=words)
    assert table == f"| a | b | c |\n{rule}\n| x | 1 | 2 |\n"


def test_a_bar_stays_in_its_cell():
    table = markdown_table(["a"], [["x | y"]])
    assert table.splitlines()[-1] == "| x \\| y |"


def test_row_of_another_length_is_named():
    with pytest.raises(ValueError, match=r"a row has 1 cells, the header 2: \['x'\]"):
        markdown_table(["a", "b"], [["x"]])

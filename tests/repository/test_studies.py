"""Quick checks of the studies; their own tests are in ``studies/tests``."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from studies.cell_table.rows.configurations import configurations
from studies.cell_table.rows.records import read_lines
from studies.cell_table.rows.table import RESULTS
from studies.cell_table.settings import load_settings
from studies.planted.short_form import run_short_form

STUDIES = Path(__file__).parents[2] / "studies"


def test_a_planted_truth_is_found_and_named_as_found(tmp_path):
    found = run_short_form("left-0", output_dir=tmp_path)
    assert found["right"]
    assert found["skip"] == "planted_roll_right"
    (raced,) = (
        part
        for part in found["findings"]["parts"]
        if (part["kind"], part["level"], part.get("input")) == ("operation", 0, "skip")
    )
    assert raced["decided"] == "evidence"


def test_where_nothing_is_planted_no_cell_is_found(tmp_path):
    found = run_short_form("null", output_dir=tmp_path)
    assert found["right"]
    assert found["treatments"] == ("none",) * 4
    assert found["kind"] == "searched"


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_rows_that_ship_are_of_the_settings_and_configurations_that_ship(path):
    records = list(read_lines(path))
    assert {record["settings"] for record in records} == {load_settings(path.stem).digest}
    cells = {c.name: c.describe() for c in configurations()}
    assert all(record["cell"] == cells[record["configuration"]] for record in records)


def test_studies_take_nothing_from_tools_or_tests():
    for path in sorted(set(STUDIES.rglob("*.py")) - set(STUDIES.glob("tests/**/*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            assert not {name.partition(".")[0] for name in names} & {"tools", "tests"}, path


def test_the_readme_says_how_each_study_is_run_and_tested():
    text = (STUDIES / "README.md").read_text(encoding="utf-8")
    for folder in sorted(path.parent.name for path in STUDIES.glob("*/__main__.py")):
        assert re.search(rf"python -m studies\.{folder}\b", text)
    assert "pytest -q studies/tests" in text

"""Folders are short lists, files are short, and docstrings open with what a thing is or does."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ("iac_components", "studies", "tools")
FOLDERS = (*CODE, "tests", "docs", "examples")

PACKAGE = 15
"""Sub-packages of the package: each is a name that configs, zips or programs refer to."""

UNLISTED = {"__init__.py", "__main__.py", "py.typed", "conftest.py", "__pycache__"}
"""Files that Python or pytest ask for, and nobody reads a folder for."""

DATA = re.compile(r"^studies/.*/results/|^iac_components/data/examples/")
"""Raw results and images, as many as there are."""

QUESTION = re.compile(r"(What|Where|How|Whether)\b")


def entries(root: Path) -> dict[str, set[str]]:
    """Names that each folder shows, by its path."""
    shown: dict[str, set[str]] = defaultdict(set)
    for folder in FOLDERS:
        for path in (root / folder).rglob("*"):
            if "__pycache__" not in path.parts and path.name not in UNLISTED:
                place = path.parent.relative_to(root).as_posix()
                shown[place].add(path.name)
    return shown


def python_files(folders: tuple[str, ...]) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_a_folder_shows_at_most_twelve_entries():
    shown = entries(ROOT)
    assert len(shown.pop("iac_components")) == PACKAGE
    long = {place: len(names) for place, names in shown.items() if len(names) > 12}
    assert {place for place in long if not DATA.match(f"{place}/")} == set()


def test_the_top_folder_is_a_short_list():
    ignored = {"build", "dist", "demo_output", "runs", "own_bundles", "downloaded"}
    names = {path.name for path in ROOT.iterdir() if path.name[0] not in "._"}
    shown = {name for name in names - ignored if not name.endswith(".egg-info")}
    assert len(shown) <= 12, sorted(shown)


def test_a_long_folder_would_be_seen(tmp_path):
    for name in ("__init__.py", *map(str, range(13))):
        (tmp_path / "tools" / "room").mkdir(parents=True, exist_ok=True)
        (tmp_path / "tools" / "room" / name).touch()
    assert len(entries(tmp_path)["tools/room"]) == 13


@pytest.mark.parametrize("folder", [*CODE, "tests"])
def test_no_file_is_longer_than_300_lines(folder):
    lengths = {path: path.read_text("utf-8").count("\n") for path in python_files((folder,))}
    assert {str(path): lines for path, lines in lengths.items() if lines > 300} == {}


def questions(path: Path) -> list[str]:
    """First lines of docstrings that say what would be told, and do not tell it."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, kinds)]
    lines = [(ast.get_docstring(node) or "").partition("\n")[0] for node in nodes]
    return [line for line in lines if QUESTION.match(line)]


@pytest.mark.parametrize("folder", [*CODE, "tests"])
def test_docstrings_open_with_what_a_thing_is_or_does(folder):
    found = {str(path): questions(path) for path in python_files((folder,))}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_a_question_would_be_seen(tmp_path):
    path = tmp_path / "a.py"
    path.write_text('"""Rates.\n\nHow they fall."""\n\n\ndef f():\n    """What there is."""\n')
    assert questions(path) == ["What there is."]

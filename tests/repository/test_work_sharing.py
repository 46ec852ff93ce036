"""The test command's order of files, and what it treats as a fault."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
from work_sharing import SLOWEST, TOGETHER, FileScheduling, sort_by_cost

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("file", [*SLOWEST, *TOGETHER, *TOGETHER.values()])
def test_files_named_there_exist(file):
    assert (ROOT / file).is_file()


def test_the_slowest_come_first_and_the_others_stay():
    names = ["tests/a.py::b", f"{SLOWEST[1]}::z", "tests/a.py::a", f"{SLOWEST[0]}::y[::]"]
    items = [SimpleNamespace(nodeid=name) for name in names]
    sort_by_cost(items)
    assert [item.nodeid for item in items] == [names[3], names[1], names[0], names[2]]


def test_files_that_share_what_they_make_share_a_process():
    scheduling = FileScheduling.__new__(FileScheduling)
    for file, other in TOGETHER.items():
        assert scheduling._split_scope(f"{file}::test_a[x::y]") == other
        assert scheduling._split_scope(f"{other}::test_b") == other
    assert scheduling._split_scope("tests/a.py::B::test") == "tests/a.py"


@pytest.mark.parametrize("module", ["iac_components.search.stability_pruning.stability", "tests.x"])
def test_a_warning_of_our_own_is_an_error(module):
    registry: dict[str, object] = {}
    with pytest.raises(RuntimeWarning, match="divide"):
        warnings.warn_explicit("divide", RuntimeWarning, "x.py", 1, module, registry)


def test_a_library_s_warning_is_none():
    with warnings.catch_warnings(record=True) as seen:
        warnings.warn_explicit("new", RuntimeWarning, "x.py", 1, "scipy.stats", {})
    assert len(seen) == 1

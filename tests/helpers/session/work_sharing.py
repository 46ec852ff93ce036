"""Work is shared among the test command's processes file by file, the slowest first."""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

__all__ = ["FileScheduling", "sort_by_cost"]

TOGETHER = {
    f"tests/{folder}/{file}.py": f"tests/{folder}/{maker}.py"
    for folder, file, maker in (
        ("runs/distributed", "test_death", "test_bundles"),
        ("shipping/packaging", "test_empty_dints", "test_empty_environment"),
    )
}
"""Files that use what another one has made, at a cost of several seconds: one process has both."""

SLOWEST = (
    "tests/method/networks/build/test_supported_networks.py",
    "tests/bundles/collection/chained/test_run_acdc.py",
    "tests/bundles/collection/chained/test_run_kits.py",
    "tests/runs/distributed/test_bundles.py",
    "tests/runs/distributed/test_death.py",
    "tests/bundles/collection/chained/test_run_brats.py",
    "tests/bundles/collection/chained/test_run_amos.py",
    "tests/bundles/collection/chained/test_run_dints.py",
    "tests/bundles/collection/chained/test_run_volumes.py",
    "tests/bundles/collection/chained/test_run_hippocampus.py",
    "tests/shipping/packaging/test_empty_environment.py",
    "tests/shipping/packaging/test_empty_dints.py",
    "tests/bundles/collection/test_broken_runs.py",
    "tests/method/search/test_resume.py",
    "studies/tests/search_cost/test_growth.py",
    "tests/method/dints/searching/test_topology_trainer.py",
    "tests/runs/distributed/test_ranks.py",
    "tests/bundles/collection/runs/test_start_dints.py",
    "tests/method/networks/skip_modules/test_every_skip_module.py",
    "studies/tests/search_cost/test_memory.py",
    "studies/tests/search_cost/test_search.py",
)
"""Files of about ten seconds of processor time or more: one that began last would be waited for."""


def file_of(nodeid: str) -> str:
    """The file of a test."""
    return nodeid.partition("::")[0]


def sort_by_cost(items: list[pytest.Item]) -> None:
    """Put the slowest files first; the order is otherwise that of the folders, as it was."""
    rank = {file: place for place, file in enumerate(SLOWEST)}
    items.sort(key=lambda item: rank.get(file_of(item.nodeid), len(rank)))


class FileScheduling(LoadScopeScheduling):
    """Gives out whole files in the order of the collection, some of them together."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        super().__init__(config, log)
        # By its number of tests, which says nothing about its cost.
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER.get(file_of(nodeid), file_of(nodeid))

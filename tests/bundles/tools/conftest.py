"""Copies of bundles that a test may spoil."""

from __future__ import annotations

from pathlib import Path

import pytest
from spoilt_bundles import DINTS_PREFIX, PREFIX, copied

from tools.maintenance.verification import Bundle


@pytest.fixture
def copies(tmp_path: Path) -> dict[str, Bundle]:
    """Copies of the three bundles of a combination, by stage."""
    return copied(PREFIX, tmp_path)


@pytest.fixture
def dints_copies(tmp_path: Path) -> dict[str, Bundle]:
    """The same of a task."""
    return copied(DINTS_PREFIX, tmp_path)

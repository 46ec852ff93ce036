"""Checks of data before any training: every fault at once, each with its file and a remedy."""

from __future__ import annotations

from iac_components.data.checks.preflight import check_datalist
from iac_components.data.checks.splits import check_split
from iac_components.data.checks.window_reach import check_window_reach

__all__ = [
    "check_datalist",
    "check_split",
    "check_window_reach",
]

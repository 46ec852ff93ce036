"""Real datasets that several tests of this folder read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_dataset() -> Callable[[str], Path]:
    """Return a function that gives the folder of a real dataset, or skips the test."""
    root = Path(__file__).parents[3]
    shared = root / os.environ.get("IAC_SHARED", "../shared")

    def find(name: str) -> Path:
        folder = shared / "data" / name
        if not folder.is_dir():
            pytest.skip(f"real dataset {name} is not here; set IAC_SHARED to the folder of data/")
        return folder

    return find

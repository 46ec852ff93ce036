"""Places of an old file, and of what would show that code in it was run."""

from __future__ import annotations

import pytest


@pytest.fixture
def old(tmp_path):
    return tmp_path / "search_code_18590.pt"


@pytest.fixture
def trace(tmp_path):
    return tmp_path / "executed"

"""A file that is there already."""

from __future__ import annotations

import pytest


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "out" / "file"
    path.parent.mkdir()
    path.write_bytes(b"old")
    return path

"""A chain whose search has ended, and data that nobody may read."""

from __future__ import annotations

import pytest


@pytest.fixture
def chain(hippocampus_chain):
    _ = hippocampus_chain.search
    return hippocampus_chain


@pytest.fixture
def unread(monkeypatch):
    """Reading any volume fails."""

    def fail(*arguments, **options):
        raise AssertionError("data were read")

    monkeypatch.setattr("nibabel.load", fail)

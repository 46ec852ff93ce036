"""Volumes that do not fit are told before they are read."""

from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest

from iac_components.common.available_memory import available_memory, require_memory


def test_this_machine() -> None:
    assert 0 < available_memory() <= psutil.virtual_memory().total


def test_a_tenth_is_left_free(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = SimpleNamespace(free=10_240, available=1_024_000, total=9_216_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    assert available_memory() == 1_024_000
    require_memory(921_600)
    with pytest.raises(RuntimeError, match=r"about 0\.0 GB of memory, and 0\.0 GB .* cache_dir"):
        require_memory(921_601)
    with pytest.raises(RuntimeError, match=r"about 5\.0 GB of memory"):
        require_memory(5e9)

from __future__ import annotations

import os
from pathlib import Path

import pytest

from iac_components.data.available_memory import available_memory, require_memory


@pytest.fixture
def meminfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in the place of Linux's own."""
    file = tmp_path / "meminfo"
    monkeypatch.setattr("iac_components.data.available_memory._MEMINFO", file)
    return file


def test_this_machine() -> None:
    available = available_memory()
    if available is None:
        pytest.skip("not Linux")
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < available <= total


def test_available_memory_is_the_kernels_estimate(meminfo: Path) -> None:
    meminfo.write_text("MemTotal:  9000 kB\nMemFree:  10 kB\nMemAvailable:    1000 kB\n")
    assert available_memory() == 1_024_000
    require_memory(921_600)
    with pytest.raises(RuntimeError, match=r"about 5\.0 GB of memory, and 0\.0 GB .* cache_dir"):
        require_memory(5e9)


@pytest.mark.parametrize("content", [None, "", "MemFree: 1 kB\n"])
def test_elsewhere_nothing_is_said(meminfo: Path, content: str | None) -> None:
    if content is not None:
        meminfo.write_text(content)
    assert available_memory() is None
    require_memory(1e15)

"""Peak memory of this process, or of its GPU, while something runs."""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch

__all__ = ["PeakMeter", "give_back_freed"]


class PeakMeter:
    """Meter of the growth in memory of this process, or of the GPU's allocator, in bytes.

    On a CPU it reads the resident set, and needs Linux.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
            self.start = torch.cuda.memory_allocated()
        else:
            # The kernel's high-water mark may be from importing: 5 sets it back (Linux).
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
            self.start = _status("VmRSS")

    def growth(self) -> int:
        """Peak since the start, above the start."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated() - self.start
        return _status("VmHWM") - self.start


def give_back_freed() -> None:
    """Let glibc return what this process has freed, so that it counts as free and not as held.

    Where there is another C library, nothing happens.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _status(field: str) -> int:
    """Read a figure of ``/proc/self/status`` in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field}.")

"""What every benchmark writes beside its times: the machine, and how times spread."""

from __future__ import annotations

import contextlib
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

__all__ = ["machine", "spread"]


def machine() -> dict[str, object]:
    """Processor, threads, library versions and load."""
    return {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def spread(values: Sequence[float]) -> dict[str, object]:
    """Minimum, median, maximum and the values themselves."""
    return {
        "minimum": min(values),
        "median": statistics.median(values),
        "maximum": max(values),
        "all": list(values),
    }


def _processor() -> str:
    """Model name of the processor, where Linux tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

"""Fields that every benchmark writes beside its times: the machine, and their spread."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from iac_components.common.files import write_json

__all__ = ["add_out_option", "json_object", "machine", "mebibytes", "publish", "spread"]


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


def mebibytes(size: float) -> str:
    """Bytes in MiB, as they stand in tables."""
    return f"{size / 2**20:.1f}"


def add_out_option(parser: argparse.ArgumentParser) -> None:
    """Let a benchmark write its record to a file."""
    parser.add_argument("--out", metavar="FILE", help="also write the record to this file")


def json_object(text: str) -> dict[str, object]:
    """Parse the value of an option that is a JSON object, for argparse's ``type``.

    Raises:
        argparse.ArgumentTypeError: if it is none.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        raise argparse.ArgumentTypeError(f'must be a JSON object, {{"batch_size": 2}} say: {text}')
    return content


def publish(record: Mapping[str, object], out: str | None) -> None:
    """Print a record as JSON, and write it if a file is named."""
    print(json.dumps(record, indent=2))
    if out is not None:
        write_json(out, record)


def _processor() -> str:
    """Model name of the processor, where Linux tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

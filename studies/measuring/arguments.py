"""Arguments that the studies' command lines share."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from studies.measuring.rules import RULES

__all__ = ["add_search_arguments"]


def add_search_arguments(parser: argparse.ArgumentParser, *, raw: Path) -> None:
    """Add data, backbone, rules and budget of a study that searches.

    Args:
        parser: of the study.
        raw: default folder of its records.
    """
    parser.add_argument("command", choices=("fill", "report"))
    parser.add_argument(
        "--dataset_dir",
        type=Path,
        default=Path(os.environ.get("IAC_SHARED", "../shared")) / "data" / "Task04_Hippocampus",
        help="the data set as downloaded",
    )
    parser.add_argument(
        "--backbone",
        type=Path,
        default=Path("runs/cell_table/hippocampus/backbone.pt"),
        help="trained by studies.cell_table",
    )
    parser.add_argument("--raw", type=Path, default=raw, help="folder of the records")
    parser.add_argument("--rule", action="append", choices=sorted(RULES), help="all by default")
    parser.add_argument("--patients", type=int, default=15, help="patients of a half")
    parser.add_argument("--limit", type=int, default=None, help="searches to make at most")

"""Arguments that the studies' command lines share."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from studies.measuring.rules import RULES

__all__ = ["add_data_arguments", "add_search_arguments"]

BACKBONE = Path(__file__).parents[1] / "cell_table" / "results" / "hippocampus_backbone.pt"


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the data set and the backbone of a study on hippocampus.

    Args:
        parser: of the study.
    """
    parser.add_argument(
        "--dataset_dir",
        type=Path,
        default=Path(os.environ.get("IAC_SHARED", "../shared")) / "data" / "Task04_Hippocampus",
        help="the data set as downloaded",
    )
    parser.add_argument(
        "--backbone",
        type=Path,
        default=BACKBONE,
        help="trained by studies.cell_table (the one that is kept)",
    )


def add_search_arguments(parser: argparse.ArgumentParser, *, raw: Path) -> None:
    """Add data, backbone, rules and budget of a study that searches.

    Args:
        parser: of the study.
        raw: default folder of its records.
    """
    parser.add_argument("command", choices=("fill", "report"))
    add_data_arguments(parser)
    parser.add_argument("--raw", type=Path, default=raw, help="folder of the records")
    parser.add_argument("--rule", action="append", choices=sorted(RULES), help="all by default")
    parser.add_argument("--patients", type=int, default=15, help="patients of a half")
    parser.add_argument("--limit", type=int, default=None, help="searches to make at most")

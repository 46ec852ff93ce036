"""Command line of the planted study: ``python -m studies.planted <command>``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch

from iac_components.common.files import read_json
from studies.cell_table.settings import load_settings
from studies.planted.report import report
from studies.planted.run import fill_planted
from studies.planted.search import SearchRecipe


def main() -> None:
    """Search the planted tasks, or report on what they found."""
    parser = argparse.ArgumentParser(prog="python -m studies.planted", description=main.__doc__)
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
    parser.add_argument("--work_dir", type=Path, default=Path("runs/planted"), help="raw runs")
    parser.add_argument("--rate", type=float, default=0.02, help="learning rate of the weights")
    parser.add_argument("--limit", type=int, default=None, help="runs to make at most")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    raw = arguments.work_dir / f"rate-{arguments.rate:g}"
    if arguments.command == "report":
        print(report([read_json(path, max_bytes=1 << 20) for path in sorted(raw.glob("*.json"))]))
        return
    fill_planted(
        load_settings("hippocampus"),
        arguments.dataset_dir,
        backbone_file=arguments.backbone,
        raw=raw,
        recipe=SearchRecipe(rate=arguments.rate),
        limit=arguments.limit,
    )


if __name__ == "__main__":
    main()

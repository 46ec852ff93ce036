"""Command line of the planted study: ``python -m studies.planted <command>``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import cast

import torch

from iac_components.common.files import read_json
from studies.cell_table.backbone import load_backbone
from studies.cell_table.settings import load_settings
from studies.found.halves import load_halves
from studies.planted.report import report
from studies.planted.run import fill_planted
from studies.rules import RULES

RESULTS = Path(__file__).with_name("results")


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
    parser.add_argument("--raw", type=Path, default=RESULTS, help="folder of the runs' records")
    parser.add_argument("--rule", action="append", choices=sorted(RULES), help="all by default")
    parser.add_argument("--patients", type=int, default=15, help="patients of a half")
    parser.add_argument("--limit", type=int, default=None, help="runs to make at most")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.command == "report":
        records = [
            read_json(path, max_bytes=1 << 20) for path in sorted(arguments.raw.rglob("*.json"))
        ]
        print(report(cast(list[dict[str, object]], records)))
        return
    settings = load_settings("hippocampus")
    backbone = load_backbone(settings, arguments.backbone)
    fill_planted(
        backbone,
        lambda: load_halves(
            settings, backbone, arguments.dataset_dir, shift=None, patients=arguments.patients
        ),
        raw=arguments.raw,
        rules=[RULES[name] for name in arguments.rule or sorted(RULES)],
        limit=arguments.limit,
    )


if __name__ == "__main__":
    main()

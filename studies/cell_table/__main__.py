"""Command line of the cell table: ``python -m studies.cell_table <command>``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch

from studies.cell_table.findings.report import report
from studies.cell_table.rows.records import collect_records, read_raw
from studies.cell_table.rows.table import RESULTS
from studies.cell_table.run import fill_table
from studies.cell_table.settings import load_settings
from studies.cell_table.training.backbone import train_backbone


def main() -> None:
    """Train the backbone, make rows, keep them, or report on what is kept."""
    arguments = _arguments()
    torch.set_num_threads(1)
    settings = load_settings(arguments.dataset)
    kept = RESULTS / f"{settings.name}.jsonl"
    work_dir = arguments.work_dir / settings.name
    dataset_dir = arguments.dataset_dir
    if arguments.command == "fill":
        backbone = RESULTS / f"{settings.name}_backbone.pt"
        if not backbone.is_file():
            backbone = work_dir / "backbone.pt"
            train_backbone(settings, dataset_dir, backbone)
        fill_table(
            settings,
            dataset_dir,
            backbone_path=backbone,
            work_dir=work_dir,
            kept=kept,
            limit=arguments.limit,
            shifts=arguments.shift or tuple(settings.shifts),
        )
    elif arguments.command == "keep":
        print(f"{kept}: {collect_records(kept, read_raw(work_dir / 'raw'))} rows.")
    else:
        print(report(settings, kept))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m studies.cell_table", description=main.__doc__)
    parser.add_argument("command", choices=("fill", "keep", "report"))
    parser.add_argument("--dataset", default="hippocampus", help="name of a settings file")
    parser.add_argument(
        "--dataset_dir",
        type=Path,
        default=Path(os.environ.get("IAC_SHARED", "../shared")) / "data" / "Task04_Hippocampus",
        help="the data set as downloaded",
    )
    parser.add_argument(
        "--work_dir", type=Path, default=Path("runs/cell_table"), help="weights and raw rows"
    )
    parser.add_argument("--limit", type=int, default=None, help="rows to make at most")
    parser.add_argument(
        "--shift", action="append", help="rows of this shift alone, so that processes share a table"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()

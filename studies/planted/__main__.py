"""Command line of the planted study: ``python -m studies.planted <command>``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import cast

import torch

from iac_components.common.files import read_json
from studies.cell_table.settings import load_settings
from studies.cell_table.training.backbone import load_backbone
from studies.found.halves import load_halves
from studies.measuring.arguments import add_search_arguments
from studies.measuring.rules import RULES
from studies.planted.report import report
from studies.planted.run import fill_planted
from studies.planted.tasks import planted_tasks

RESULTS = Path(__file__).with_name("results")


def main() -> None:
    """Search the planted tasks, or report on what they found."""
    parser = argparse.ArgumentParser(prog="python -m studies.planted", description=main.__doc__)
    add_search_arguments(parser, raw=RESULTS)
    parser.add_argument(
        "--task",
        action="append",
        choices=[task.name for task in planted_tasks()],
        help="all by default; some, so that processes share the study",
    )
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
        patients=arguments.patients,
        rules=[RULES[name] for name in arguments.rule or sorted(RULES)],
        tasks=arguments.task,
        limit=arguments.limit,
    )


if __name__ == "__main__":
    main()

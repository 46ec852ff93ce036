"""Command line of the study of found cells: ``python -m studies.found <command>``."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from studies.cell_table.rows.patients import split_cases
from studies.cell_table.rows.table import load_table
from studies.cell_table.settings import load_settings
from studies.cell_table.training.backbone import load_backbone
from studies.found.fill import Task, fill_found
from studies.found.report import report
from studies.measuring.arguments import add_search_arguments
from studies.measuring.rules import RULES

RESULTS = Path(__file__).with_name("results")


def main() -> None:
    """Search on a table's task, train what is found, or report on it."""
    arguments = _arguments()
    torch.set_num_threads(1)
    if arguments.command == "report":
        table = load_table(arguments.dataset, arguments.shift)
        print(report(arguments.raw, table, dataset=arguments.dataset, shift=arguments.shift))
        return
    settings = load_settings(arguments.dataset)
    task = Task(
        settings,
        load_backbone(settings, arguments.backbone),
        split_cases(settings, arguments.dataset_dir),
        arguments.dataset_dir,
        arguments.shift,
        arguments.patients,
    )
    rules = [RULES[name] for name in arguments.rule or sorted(RULES)]
    fill_found(task, raw=arguments.raw, rules=rules, limit=arguments.limit)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m studies.found", description=main.__doc__)
    add_search_arguments(parser, raw=RESULTS)
    parser.add_argument("--dataset", default="hippocampus", help="name of a table's settings")
    parser.add_argument("--shift", default="inverted", help="scanner of the table")
    return parser.parse_args()


if __name__ == "__main__":
    main()

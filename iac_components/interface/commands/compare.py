"""Compare evaluated runs, paired by patient, and print Markdown tables of Dice and HD95.

Mean difference with a bootstrap interval, Wilcoxon's test with Holm's correction, non-inferiority.
A RUN is a folder that holds metrics.csv, one of 'iac run' or 'iac ensemble', or NAME=DIR1,DIR2,...
whose seeds are averaged.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from iac_components.common.files import write_json
from iac_components.evaluation import CaseRecord, compare_runs, load_run, render_markdown
from iac_components.evaluation.comparing.best import best_first, describe_best

__all__ = ["EXAMPLE", "add_arguments", "run"]

EXAMPLE = """
  iac compare runs/plain/evaluate runs/cell/evaluate
  iac compare plain=plain_s0,plain_s1 cell=cell_s0,cell_s1 --output comparison.json
  iac compare runs/a_unet runs/a_unet3d runs/a_both --best
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="folder with metrics.csv, of a run, or NAME=DIR1,DIR2,... to average seeds",
    )
    reference = parser.add_mutually_exclusive_group()
    reference.add_argument("--reference", metavar="NAME", help="reference run (the first)")
    reference.add_argument(
        "--best",
        action="store_true",
        help="compare with the run of the greatest mean Dice, and name those as good",
    )
    parser.add_argument(
        "--margin", type=float, default=0.5, help="non-inferiority margin in Dice points (0.5)"
    )
    parser.add_argument("--output", metavar="FILE.json", help="also write the comparison as JSON")


def run(options: argparse.Namespace) -> None:
    """Compare, and print the tables.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if the runs cannot be compared.
    """
    runs: Mapping[str, Sequence[CaseRecord]] = _load(options.runs, options.reference)
    if options.best:
        runs = best_first(runs)
    comparison = compare_runs(runs, margin=options.margin)
    if options.output is not None:
        write_json(options.output, comparison.to_json())
    print(render_markdown(comparison), end="")
    if options.best:
        print(f"\n{describe_best(comparison)}")


def _load(arguments: Sequence[str], reference: str | None) -> dict[str, list[CaseRecord]]:
    """Read all runs by name, the reference first."""
    runs: dict[str, list[CaseRecord]] = {}
    for argument in arguments:
        name, records = load_run(argument)
        if name in runs:
            raise ValueError(f"two runs are called '{name}': tell them apart by NAME=DIR.")
        runs[name] = records
    if reference is None:
        return runs
    if reference not in runs:
        raise ValueError(f"--reference '{reference}' is not one of the runs: {', '.join(runs)}.")
    return {reference: runs.pop(reference), **runs}

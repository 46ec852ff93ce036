"""Compare evaluated runs, paired by patient, and print Markdown tables of Dice and HD95.

    python tools/compare_runs.py baseline/eval search/eval
    python tools/compare_runs.py plain=plain_s0,plain_s1 iac=iac_s0,iac_s1 --output comparison.json

A run is a folder that holds metrics.csv, or NAME=DIR1,DIR2,... whose seeds are averaged.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from iac_components.common.files import write_json
from iac_components.evaluation import CaseRecord, compare_runs, load_run, render_markdown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 2 after one line on bad input."""
    options = _parser().parse_args(arguments)
    try:
        runs = _load(options.runs, options.reference)
        comparison = compare_runs(runs, margin=options.margin)
        if options.output is not None:
            write_json(options.output, comparison.to_json())
    except (OSError, ValueError) as error:
        print(f"compare_runs: error: {error}", file=sys.stderr)
        return 2
    print(render_markdown(comparison), end="")
    return 0


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
        raise ValueError(f"--reference '{reference}' is none of the runs: {', '.join(runs)}.")
    return {reference: runs.pop(reference), **runs}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="compare_runs", description="Compare evaluated runs, paired by patient."
    )
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="folder with metrics.csv, or NAME=DIR1,DIR2,... to average seeds",
    )
    parser.add_argument("--reference", metavar="NAME", help="reference run (default: the first)")
    parser.add_argument(
        "--margin",
        type=float,
        default=0.5,
        help="non-inferiority margin in Dice points (default: 0.5)",
    )
    parser.add_argument("--output", metavar="FILE.json", help="also write the comparison as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())

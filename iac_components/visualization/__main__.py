"""Command line: the pictures of a search.

``python -m iac_components.visualization search_trace.csv --output_dir DIR`` for a cell search,
``python -m iac_components.visualization dints DIR`` for a DiNTS search.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from iac_components.visualization.dints_report import write_dints_report
from iac_components.visualization.search_report import write_search_report

__all__ = ["main"]

PROGRAM = "python -m iac_components.visualization"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the report of a search and print the path of each file.

    Args:
        arguments: those of the command line if None. The first may be ``dints``; otherwise they
            are those of a cell search.

    Raises:
        SystemExit: with status 2 and one line on stderr if a file or the folder is at fault.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    dints = given[:1] == ["dints"]
    parser = _dints_parser() if dints else _cell_parser()
    options = parser.parse_args(given[1:] if dints else given)
    try:
        written: Mapping[str, Path] = (
            write_dints_report(**vars(options)) if dints else write_search_report(**vars(options))
        )
    except (OSError, ValueError) as error:
        parser.error(str(error))
    for path in written.values():
        print(path)


def _cell_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Draw the curves, the cell and the top-k analysis of a cell search.",
        epilog=f"For a DiNTS search: {PROGRAM} dints --help",
    )
    parser.add_argument("trace_csv", help="search_trace.csv, written by a search")
    parser.add_argument("--output_dir", required=True, help="folder for the pictures")
    parser.add_argument("--genotype", help="genotype.json, if not that beside the trace")
    parser.add_argument("--audit_csv", help="audit_trace.csv, if not that beside the trace")
    return parser


def _dints_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} dints",
        description="Draw the topology, paths, entropies and memory of a DiNTS search.",
    )
    parser.add_argument("output_dir", help="folder that the search wrote, and of the pictures")
    parser.add_argument("--trace_csv", help="search_trace.csv, if not that of the folder")
    parser.add_argument("--summary_csv", help="search_summary.csv, if not that of the folder")
    parser.add_argument("--architecture", help="architecture.json, if not that of the folder")
    parser.add_argument("--audit_csv", help="audit_trace.csv, if not that beside the trace")
    return parser


if __name__ == "__main__":
    main()

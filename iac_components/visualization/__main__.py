"""Command line: ``python -m iac_components.visualization search_trace.csv --output_dir DIR``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from iac_components.visualization.report import write_search_report

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the report of a search and print the path of each file.

    Args:
        arguments: those of the command line if None.

    Raises:
        SystemExit: with status 2 and one line on stderr if the trace or the folder is at fault.
    """
    parser = argparse.ArgumentParser(
        prog="python -m iac_components.visualization",
        description="Draw the curves, the cell and the top-k analysis of a cell search.",
    )
    parser.add_argument("trace_csv", help="search_trace.csv, written by a search")
    parser.add_argument("--output_dir", required=True, help="folder for the pictures")
    options = parser.parse_args(arguments)
    try:
        written = write_search_report(options.trace_csv, output_dir=options.output_dir)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    for path in written.values():
        print(path)


if __name__ == "__main__":
    main()

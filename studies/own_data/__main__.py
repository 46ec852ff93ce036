"""Write up runs: ``python -m studies.own_data keep RUN NAME``, then ``... write``."""

from __future__ import annotations

import argparse
from pathlib import Path

from iac_components.common.files import write_text
from studies.own_data.keep import keep_ensemble, keep_run
from studies.own_data.page import RESULTS, page

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "real-runs.md"


def main() -> None:
    """Keep the raw files of a run, or write the page."""
    parser = argparse.ArgumentParser(prog="python -m studies.own_data", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    keep = commands.add_parser("keep", help="the raw files of a run")
    keep.add_argument("run", type=Path, help="folder of a finished 'iac run --control'")
    average = commands.add_parser("keep_ensemble", help="the scores of an average")
    average.add_argument("run", type=Path, help="folder of a finished 'iac ensemble' of runs")
    for one in (keep, average):
        one.add_argument("name", help="of the folder of raw files")
    commands.add_parser("write", help="the page")
    options = parser.parse_args()
    if options.command == "keep":
        keep_run(options.run, RESULTS / options.name)
    elif options.command == "keep_ensemble":
        keep_ensemble(options.run, RESULTS / options.name)
    else:
        write_text(PAGE, page())
        print(PAGE)


if __name__ == "__main__":
    main()

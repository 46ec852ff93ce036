"""Command line: ``python -m iac_components.dints convert search_code.pt architecture.json``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from iac_components.dints.old_files import add_arguments, convert

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Convert a pickled architecture to JSON.

    Args:
        arguments: those of the command line if None.

    Raises:
        SystemExit: with status 2 and one line on stderr if a file or an option is at fault.
    """
    parser = argparse.ArgumentParser(prog="python -m iac_components.dints")
    commands = parser.add_subparsers(dest="command", required=True)
    conversion = commands.add_parser(
        "convert",
        help="architecture file of MONAI's zoo or of Auto3DSeg to JSON; runs no code of the file",
    )
    add_arguments(conversion)
    options = parser.parse_args(arguments)
    try:
        print(convert(options))
    except (OSError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()

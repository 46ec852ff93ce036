"""Command line: ``python -m iac_components.dints convert search_code.pt architecture.json``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from iac_components.dints.old_files import load_old_architecture
from iac_components.dints.topology import save_architecture

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
    convert = commands.add_parser(
        "convert",
        help="architecture file of MONAI's zoo or of Auto3DSeg to JSON; runs no code of the file",
    )
    convert.add_argument("old", metavar="OLD.pt", help="search_code_*.pt or arch_code.pth")
    convert.add_argument("new", metavar="NEW.json", help="file to write")
    convert.add_argument(
        "--channel_mul", type=float, default=1.0, help="of the network (default: 1)"
    )
    convert.add_argument(
        "--spatial_dims", type=int, default=3, help="of the network: 2 or 3 (default: 3)"
    )
    convert.add_argument(
        "--no_downsample", action="store_true", help="the network's stem does not halve the image"
    )
    options = parser.parse_args(arguments)
    try:
        architecture = load_old_architecture(
            options.old,
            channel_mul=options.channel_mul,
            use_downsample=not options.no_downsample,
            spatial_dims=options.spatial_dims,
        )
        save_architecture(architecture, options.new)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(options.new)


if __name__ == "__main__":
    main()

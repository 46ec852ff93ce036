"""Draw a search: its curves, its ranks over epochs, and the cell or topology it found.

FOLDER is the output_dir of a search (search_trace.csv), or holds a found cell (genotype.json).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from iac_components.interface.api.pictures import plot

__all__ = ["EXAMPLE", "add_arguments", "run"]

EXAMPLE = """
  iac plot runs/liver_unet/search
  iac plot runs/liver_unet/search --output_dir pictures
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="of a search")
    parser.add_argument("--output_dir", type=Path, help="for the pictures (FOLDER)")


def run(options: argparse.Namespace) -> None:
    """Draw, and print the path of each file.

    Raises:
        ValueError: if the folder holds no search, or a file in it is at fault.
    """
    for path in plot(options.folder, output_dir=options.output_dir).values():
        print(path)

"""Conversion of a pickled architecture to JSON, as ``iac convert`` and ``__main__`` do it."""

from __future__ import annotations

import argparse
from pathlib import Path

from iac_components.dints.old_files.pickled_arrays import load_old_architecture
from iac_components.dints.topology import save_architecture

__all__ = ["add_arguments", "convert"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a conversion."""
    parser.add_argument("old", metavar="OLD.pt", help="search_code_*.pt or arch_code.pth")
    parser.add_argument("new", metavar="NEW.json", type=Path, help="file to write")
    parser.add_argument(
        "--channel_mul", type=float, default=1.0, help="of the network (default: 1)"
    )
    parser.add_argument(
        "--spatial_dims", type=int, default=3, help="of the network: 2 or 3 (default: 3)"
    )
    parser.add_argument(
        "--no_downsample", action="store_true", help="the network's stem does not halve the image"
    )


def convert(options: argparse.Namespace) -> Path:
    """Convert; returns the new file.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if the old file is no architecture, or an option is at fault.
    """
    architecture = load_old_architecture(
        options.old,
        channel_mul=options.channel_mul,
        use_downsample=not options.no_downsample,
        spatial_dims=options.spatial_dims,
    )
    save_architecture(architecture, options.new)
    return Path(options.new)

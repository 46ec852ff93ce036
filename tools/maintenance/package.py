"""Packing of this collection's bundles: all of them, or those named."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from iac_components.bundling.rendering.facts import BUNDLES
from iac_components.bundling.rendering.former_names import present_name
from iac_components.interface.commands import package

__all__ = ["main"]


def chosen_bundles(names: Sequence[str] | None) -> list[Path]:
    """Folders of the named bundles, or of all.

    Raises:
        ValueError: if there is no bundle of a name.
    """
    known = {path.name: path for path in sorted(BUNDLES.iterdir()) if path.is_dir()}
    names = [present_name(name) for name in names or ()]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no bundle named {unknown} in '{BUNDLES}'.")
    return [known[name] for name in names or known]


def main(arguments: Sequence[str] | None = None) -> int:
    """Pack what was asked for; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=package.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--bundles", nargs="+", metavar="NAME", help="these only (default: all)")
    parser.add_argument("--base_url", default="", help="where the zips will lie, for model_info")
    options = parser.parse_args(arguments)
    try:
        options.bundles = chosen_bundles(options.bundles)
        package.run(options)
    except (ValueError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0

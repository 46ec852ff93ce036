"""The bundle that adapts the network of another one: of no data set and no backbone."""

from __future__ import annotations

from pathlib import Path

import iac_components
from iac_components.bundling.rendering.facts import BUNDLES, SOURCES
from iac_components.common.files import write_text

__all__ = ["ADAPT_BUNDLE", "write_adapt_bundle"]

ADAPT_BUNDLE = "iac_segmentation_adapt"
SHARED = {"LICENSE": "LICENSE", "configs/logging.conf": "logging.conf"}
"""Files that all bundles have alike, by where they lie among the sources."""


def write_adapt_bundle(bundles: Path = BUNDLES, *, check: bool = False) -> list[Path]:
    """Write the bundle's files; returns those that differed.

    Args:
        bundles: the folder of all bundles.
        check: write nothing.
    """
    own = SOURCES / "adapt"
    sources = {str(path.relative_to(own)): path for path in sorted(own.rglob("*.*"))}
    sources |= {name: SOURCES / place for name, place in SHARED.items()}
    different = []
    for name, source in sources.items():
        text = source.read_text(encoding="utf-8").replace("$version", iac_components.__version__)
        path = bundles / ADAPT_BUNDLE / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            different.append(path)
            if not check:
                write_text(path, text)
    return different

"""Segment images with a downloaded bundle, with an adapter of 'iac adapt' or without.

The bundle's own preprocessing and postprocessing are used, so what is written is what the bundle
writes. Without an adapter, or with --adapter none, the network is the released one to the bit.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from iac_components.adaptation import predict_with_bundle

__all__ = ["EXAMPLE", "add_arguments", "run"]

EXAMPLE = """
  iac predict spleen_ct_segmentation images --adapter runs/site_a/adapter --output_dir masks
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("network_bundle", metavar="BUNDLE", type=Path, help="folder of the bundle")
    parser.add_argument("images", metavar="IMAGES", type=Path, help="folder of images")
    parser.add_argument("--adapter", default="none", help="folder of an adapter, or none (none)")
    parser.add_argument("--output_dir", type=Path, required=True, help="for the label maps")
    parser.add_argument("--device", help="where to compute (the bundle's)")


def run(options: argparse.Namespace) -> None:
    """Segment, and print where the label maps are.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if something given is at fault.
    """
    count = predict_with_bundle(
        options.network_bundle,
        options.images,
        options.output_dir,
        adapter=options.adapter,
        device=options.device,
    )
    print(f"{count} images with adapter '{options.adapter}': {options.output_dir}")

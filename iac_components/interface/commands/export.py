"""Write a downloaded bundle with its adapter as an inference bundle of its own.

What is written runs by 'python -m monai.bundle run' as the bundle did, without any option; it is
checked to give what the adapted network gives. The bundle itself is only read.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from iac_components.adaptation import export_adapted_bundle

__all__ = ["EXAMPLE", "add_arguments", "run"]

EXAMPLE = """
  iac export spleen_ct_segmentation runs/site_a/adapter --output_dir spleen_site_a
  iac export my_bundle runs/site_a/adapter --output_dir site_a --also torchscript onnx
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("network_bundle", metavar="BUNDLE", type=Path, help="folder of the bundle")
    parser.add_argument("adapter", metavar="ADAPTER", type=Path, help="folder of the adapter")
    parser.add_argument("--output_dir", type=Path, required=True, help="folder of the new bundle")
    parser.add_argument(
        "--also", nargs="+", default=(), metavar="FORMAT", help="torchscript, onnx (neither)"
    )


def run(options: argparse.Namespace) -> None:
    """Export, and print how the new bundle is run.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if something given is at fault.
    """
    folder = export_adapted_bundle(
        options.network_bundle, options.adapter, options.output_dir, also=options.also
    )
    config = next((folder / "configs").glob("inference.*"))
    print(
        f"Bundle: {folder}\nRun it: python -m monai.bundle run --config_file {config} "
        f"--bundle_root {folder}"
    )

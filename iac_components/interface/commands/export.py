"""Write a finished run, or a downloaded bundle with its adapter, as an inference bundle.

What is written runs by 'python -m monai.bundle run' without any option, and segments as the run or
the adapted network does. Of a run of several folds it averages the networks, unless --fold names
one. The run or the bundle is only read.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from iac_components.adaptation import export_adapted_bundle
from iac_components.bundling.options import OptionError
from iac_components.interface.running.finished import RECORD_NAME
from iac_components.interface.running.request import REQUEST_NAME
from iac_components.interface.running.results.inference_bundle import export_run

__all__ = ["EXAMPLE", "add_arguments", "run"]

EXAMPLE = """
  iac export runs/liver_unet --output_dir liver_bundle
  iac export runs/liver_unet --output_dir fold_0 --fold 0 --also torchscript onnx
  iac export spleen_ct_segmentation runs/site_a/adapter --output_dir spleen_site_a
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "source", metavar="SOURCE", type=Path, help="folder of an 'iac run', or of a bundle"
    )
    parser.add_argument(
        "adapter", metavar="ADAPTER", type=Path, nargs="?", help="of a bundle: its adapter's folder"
    )
    parser.add_argument("--output_dir", type=Path, required=True, help="folder of the new bundle")
    parser.add_argument(
        "--fold", type=int, metavar="N", help="of a run: the network of this fold alone"
    )
    parser.add_argument(
        "--also",
        nargs="+",
        default=(),
        metavar="FORMAT",
        help="torchscript, onnx; with an adapter, training: to train it again (none)",
    )


def run(options: argparse.Namespace) -> None:
    """Export, and print how the new bundle is run.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if something given is at fault.
    """
    source = options.source
    if any((source / name).is_file() for name in (REQUEST_NAME, RECORD_NAME)):
        if options.adapter is not None:
            raise OptionError(
                f"'{source}' is a run, which has no adapter: export it without, and adapt the "
                "bundle that is written."
            )
        folder = export_run(source, options.output_dir, fold=options.fold, also=options.also)
    elif options.adapter is None:
        raise OptionError(
            f"'{source}' is no folder of an 'iac run' ('{RECORD_NAME}' is missing). Of a bundle, "
            "pass the folder of its adapter, too."
        )
    elif options.fold is not None:
        raise OptionError(f"--fold {options.fold} has no use for a bundle: leave it out.")
    else:
        folder = export_adapted_bundle(
            source, options.adapter, options.output_dir, also=options.also
        )
    config = next((folder / "configs").glob("inference.*"))
    words = shlex.join(["--config_file", str(config), "--bundle_root", str(folder)])
    print(f"Bundle: {folder}\nRun it: python -m monai.bundle run {words}")

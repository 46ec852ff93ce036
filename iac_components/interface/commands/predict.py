"""Segment images with a downloaded bundle, with an adapter of 'iac adapt' or without.

The bundle's own preprocessing and postprocessing are used, so what is written is what the bundle
writes. Without an adapter, or with --adapter none, the network is the released one to the bit.
Several adapters (NAME=FOLDER) write into a folder each. Images are NIfTI, pictures, MetaImage, NRRD
or DICOM series; what the bundle cannot read itself is converted on the way.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from iac_components.adaptation import predict_with_bundle
from iac_components.adaptation.session import ADAPTER_FOLDER
from iac_components.bundling.options import OptionError

__all__ = ["EXAMPLE", "add_arguments", "run"]

EXAMPLE = """
  iac predict spleen_ct_segmentation images --adapter runs/site_a/adapter --output_dir masks
  iac predict my_bundle images --adapter none a=runs/a/adapter b=runs/b/adapter --output_dir masks
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("network_bundle", metavar="BUNDLE", type=Path, help="folder of the bundle")
    parser.add_argument("images", metavar="IMAGES", type=Path, help="folder of images")
    parser.add_argument(
        "--adapter",
        nargs="+",
        default=["none"],
        metavar="[NAME=]FOLDER",
        help="folder of an adapter, or none; several go side by side (none)",
    )
    parser.add_argument("--output_dir", type=Path, required=True, help="for the label maps")
    parser.add_argument("--device", help="where to compute (the bundle's)")


def run(options: argparse.Namespace) -> None:
    """Segment, and print where the label maps are.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if something given is at fault.
    """
    several = _by_name(options.adapter)
    single = options.adapter[0] if len(several) == 1 and "=" not in options.adapter[0] else None
    count = predict_with_bundle(
        options.network_bundle,
        options.images,
        options.output_dir,
        adapter=several if single is None else single,
        device=options.device,
    )
    for name, place in several.items():
        folder = options.output_dir / name if single is None else options.output_dir
        print(f"{count} images with adapter '{place}': {folder}")


def _by_name(words: Sequence[str]) -> dict[str, str]:
    """Return folders of adapters by name, by default that of the run that they are of.

    Raises:
        OptionError: if a name is no folder's name, or given twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, place = word.partition("=")
        if not equals:
            folder = Path(word)
            own = folder.absolute()
            name = own.parent.name if own.name == ADAPTER_FOLDER else own.name
            place = word
        if not name or Path(name).name != name or not place:
            raise OptionError(f"--adapter '{word}': write NAME=FOLDER, the name without slashes.")
        if name in found:
            raise OptionError(f"--adapter: two are called '{name}'. Write NAME=FOLDER for one.")
        found[name] = place
    return found

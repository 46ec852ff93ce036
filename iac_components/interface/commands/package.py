"""Pack each bundle into a self-contained zip, and list the zips with their checksums.

Writes <bundle>_v<version>.zip with a copy of iac_components inside, the same bytes each time, and
model_info.json as 'monai.bundle.download --source github' reads it: commit it as
models/model_info.json in the commit that the release tags. Entries of zips that an earlier call
listed there stay.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import cast

from iac_components.bundling.rendering.packing import MAX_JSON_BYTES, BundleZip, plan_zip
from iac_components.common.files import atomic_write, read_json, write_json
from iac_components.common.progress_bars import progress_over

__all__ = ["EXAMPLE", "add_arguments", "read_model_info", "run", "write_zip"]

EXAMPLE = """
  iac package own_bundles/liver_unet_iac_segmentation_inference --out dist
  iac package own_bundles/* --out dist --base_url https://example.org/zips
"""
MODEL_INFO = "model_info.json"

ModelInfo = dict[str, dict[str, str]]


def write_zip(plan: BundleZip, folder: Path, *, base_url: str) -> ModelInfo:
    """Write a bundle's zip into ``folder``; returns its entry of ``model_info.json``."""
    path = folder / f"{plan.key}.zip"
    with atomic_write(path) as stream:
        plan.write(stream)
    # SHA-1 because that is what model_info.json holds; it finds damage, not forgery.
    checksum = hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()
    source = f"{base_url.rstrip('/')}/{path.name}" if base_url else ""
    return {plan.key: {"checksum": checksum, "source": source}}


def read_model_info(path: Path) -> ModelInfo:
    """Read the entries of an earlier call, if there was one.

    Raises:
        ValueError: if the file is there and is no such list.
    """
    if not path.exists():
        return {}
    try:
        content = read_json(path, max_bytes=MAX_JSON_BYTES)
    except ValueError as error:
        raise ValueError(f"'{path}': {error} Delete it, and it is written again.") from error
    if not isinstance(content, dict):
        raise ValueError(f"'{path}' holds no JSON object. Delete it, and it is written again.")
    return cast(ModelInfo, content)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("bundles", nargs="+", metavar="BUNDLE", type=Path, help="bundle folder")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--base_url", default="", help="where the zips will lie, for model_info")


def run(options: argparse.Namespace) -> None:
    """Pack the named bundles.

    Raises:
        ValueError: if a folder is no bundle, or weights are not those on record.
        OSError: if a file cannot be read or written.
    """
    missing = [str(root) for root in options.bundles if not root.is_dir()]
    if missing:
        raise ValueError(f"'{missing[0]}' is not a folder. Pass folders of bundles.")
    # All are looked at before any is written.
    plans = [plan_zip(root.resolve()) for root in options.bundles]
    entries = read_model_info(options.out / MODEL_INFO)
    for plan in progress_over(plans, desc="Packing", unit="bundle"):
        entries |= write_zip(plan, options.out, base_url=options.base_url)
    write_json(options.out / MODEL_INFO, dict(sorted(entries.items())))
    print(f"{len(plans)} zips and {MODEL_INFO} written to {options.out}")

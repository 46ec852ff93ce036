"""Pack each bundle into one zip that runs by itself, and list the zips with their checksums.

    python tools/package_bundles.py --out dist
    python tools/package_bundles.py --out dist --bundles hippocampus_unet_iac_segmentation_inference

Writes ``<bundle>_v<version>.zip`` with a copy of ``iac_components`` inside, the same bytes each
time, and ``model_info.json`` as ``monai.bundle.download --source github`` reads it: commit it as
``models/model_info.json`` in the commit that the release tags. Entries of zips that an earlier call
listed there stay.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path
from typing import cast

from packing import MAX_JSON_BYTES, BundleZip, plan_zip
from tqdm.auto import tqdm

from iac_components.common.files import atomic_write, read_json, write_json

BUNDLES = Path(__file__).parent.parent / "bundles"
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
    """The entries of an earlier call, if there was one.

    Raises:
        ValueError: if the file is there and is no such list.
    """
    if not path.exists():
        return {}
    try:
        content = read_json(path, max_bytes=MAX_JSON_BYTES)
    except ValueError as error:
        raise ValueError(f"'{path}': {error} Delete it, and it is written anew.") from error
    if not isinstance(content, dict):
        raise ValueError(f"'{path}' holds no JSON object. Delete it, and it is written anew.")
    return cast(ModelInfo, content)


def chosen_bundles(names: list[str] | None) -> list[Path]:
    """Folders of the named bundles, or of all.

    Raises:
        ValueError: if there is no bundle of a name.
    """
    known = {path.name: path for path in sorted(BUNDLES.iterdir()) if path.is_dir()}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise ValueError(f"no bundle named {unknown} in '{BUNDLES}'.")
    return [known[name] for name in names or known]


def main() -> int:
    """Pack what was asked for; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--bundles", nargs="+", metavar="NAME", help="these only (default: all)")
    parser.add_argument("--base_url", default="", help="where the zips will lie, for model_info")
    options = parser.parse_args()
    try:
        # All are looked at before any is written.
        plans = [plan_zip(root) for root in chosen_bundles(options.bundles)]
        entries = read_model_info(options.out / MODEL_INFO)
        for plan in tqdm(plans, desc="Packing", unit="bundle"):
            entries |= write_zip(plan, options.out, base_url=options.base_url)
        write_json(options.out / MODEL_INFO, dict(sorted(entries.items())))
    except (ValueError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(f"{len(plans)} zips and {MODEL_INFO} written to {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

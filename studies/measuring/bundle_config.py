"""A bundle's config, opened for a benchmark to take its parts from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from monai.bundle import ConfigParser

from iac_components.bundling.rendering.facts import BUNDLES

__all__ = ["open_config"]

MARK = "_iac_segmentation_"


def open_config(
    bundle: str, stage: str, options: Mapping[str, object] | None = None
) -> ConfigParser:
    """Read the config of a stage; its parts are built as they are asked for.

    Args:
        bundle: data set and backbone, such as ``hippocampus_unet``.
        stage: ``search``, ``train`` or ``inference``.
        options: other values of the config's keys, ``a#b`` for one within ``a``, as on MONAI's
            command line.

    Raises:
        ValueError: if there is no such bundle, or the config has no key of an option's name.
    """
    folder = BUNDLES / f"{bundle}{MARK}{stage}"
    path = folder / "configs" / f"{stage}.json"
    if not path.is_file():
        raise ValueError(f"bundle '{bundle}' is unknown. Known: {', '.join(_known(stage))}.")
    parser = ConfigParser()
    parser.read_config(str(path))
    unknown = sorted(key for key in options or {} if key.partition("#")[0] not in parser.config)
    if unknown:
        raise ValueError(f"{path.name} of bundle '{bundle}' has no key {', '.join(unknown)}.")
    parser.update({"bundle_root": str(folder), **(options or {})})
    return parser


def _known(stage: str) -> list[str]:
    """Names of the bundles whose cells are searched."""
    folders = Path(BUNDLES).glob(f"*{MARK}{stage}")
    return sorted(folder.name.removesuffix(f"{MARK}{stage}") for folder in folders)

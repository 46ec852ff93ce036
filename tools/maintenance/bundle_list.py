"""The list of all bundles, ``bundles/README.md``, from what lies in their folders."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.common.pages.markdown_table import markdown_table
from tools.maintenance.verification.bundle import STAGES, Bundle, find_bundles, read_json

__all__ = ["LIST", "bundle_list"]

LIST = "README.md"
METHODS = {
    "iac": (
        "Adaptive cells, 2-D",
        "`<dataset>_<backbone>_iac_segmentation_<stage>`: cells for the skip connections.",
        "genotype.json",
    ),
    "iac_3d": (
        "Adaptive cells, 3-D",
        "`<task>_<backbone>3d_iac_segmentation_<stage>`: the same in networks of volumes.",
        "genotype.json",
    ),
    "dints": (
        "Whole 3-D networks",
        "`<task>_dints_segmentation_<stage>`: the topology of a network under a memory budget.",
        "architecture.json",
    ),
}
HEADER = """\
# Bundles

A bundle is a folder in MONAI's format, run by `python -m monai.bundle run`. Three belong together:
**search** finds an architecture, **train** trains and evaluates a network with it, **inference**
segments images. The README in each one's `docs` has its commands and options,
`configs/metadata.json` its versions. How to use them:
[docs/how-to/bundles.md](../docs/how-to/bundles.md).

Nothing in this folder is edited by hand, this page included: `python tools/render_bundles.py`
writes it.

- *Architecture*: what the train and inference bundles ship. A stand-in was not searched on these
  data; search before you train.
- *Weights*: of the inference bundle. Their scores on a test fold are in its README; without weights
  nothing was measured. What searches find, and when a cell is worth having, is on
  [one page](../docs/RESULTS.md).
"""
ADAPTATION = """
## Any network, at a new site

[`iac_segmentation_adapt`](iac_segmentation_adapt/docs/README.md): an adapter for a downloaded
network, chosen on a few labelled cases; [how to](../docs/how-to/adapt.md).
"""
COLUMNS = ("bundles", "images", "architecture", "weights")


def bundle_list(bundles: Path) -> str:
    """Return the page; it changes only with the bundles.

    Args:
        bundles: the folder of the bundles.
    """
    parts = [HEADER]
    for method, (title, names, file) in METHODS.items():
        trained = [bundle for bundle in find_bundles([], bundles) if bundle.stage == "train"]
        rows = [_row(bundle, file) for bundle in trained if bundle.method.name == method]
        table = markdown_table(COLUMNS, rows, words=len(COLUMNS))
        parts.append(f"\n## {title}\n\n{names}\n\n{table}")
    return "".join([*parts, ADAPTATION])


def _row(train: Bundle, file: str) -> Sequence[str]:
    links = " · ".join(f"[{stage}]({train.sibling(stage).name}/docs/README.md)" for stage in STAGES)
    metadata = train.metadata()
    return (
        f"`{train.combination}`: {links}",
        f"{metadata['modality']}, {str(metadata['organ']).lower()}",
        _architecture(train.root / file, train.combination),
        _weights(train.sibling("inference").root),
    )


def _architecture(path: Path, name: str) -> str:
    provenance = cast(Mapping[str, object], read_json(path)["provenance"])
    settings = provenance.get("settings")
    if not isinstance(settings, Mapping):
        return "stand-in, not searched"
    origin = "_".join(str(settings[key]) for key in ("dataset", "backbone") if key in settings)
    return "searched on these data" if origin == name else f"stand-in of `{origin}`"


def _weights(inference: Path) -> str:
    if (inference / "models" / "model.pt").exists():
        return f"[shipped]({inference.name}/docs/README.md)"
    text = (inference / "docs" / "README.md").read_text(encoding="utf-8")
    reason = re.search(r"No weights are shipped: (.*?)\. Make them", text)
    return f"none: {reason[1]}" if reason else "none"

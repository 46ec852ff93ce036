"""The list of all bundles, ``bundles/README.md``, from what lies in their folders."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.common.markdown_table import markdown_table

__all__ = ["LIST", "bundle_list"]

LIST = "README.md"
STAGES = ("search", "train", "inference")
METHODS = {
    "iac": (
        "Adaptive cells, 2-D",
        "`<dataset>_<backbone>_iac_segmentation_<stage>`: cells for the skip connections.",
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
    for method, (title, names, _) in METHODS.items():
        rows = [_row(bundles, method, name) for name in _combinations(bundles, method)]
        table = markdown_table(COLUMNS, rows, words=len(COLUMNS))
        parts.append(f"\n## {title}\n\n{names}\n\n{table}")
    return "".join([*parts, ADAPTATION])


def _combinations(bundles: Path, method: str) -> Iterator[str]:
    suffix = f"_{method}_segmentation_train"
    yield from sorted(path.name.removesuffix(suffix) for path in bundles.glob(f"*{suffix}"))


def _row(bundles: Path, method: str, name: str) -> Sequence[str]:
    prefix = f"{name}_{method}_segmentation"
    train, inference = bundles / f"{prefix}_train", bundles / f"{prefix}_inference"
    links = " · ".join(f"[{stage}]({prefix}_{stage}/docs/README.md)" for stage in STAGES)
    metadata = _read(train / "configs" / "metadata.json")
    return (
        f"`{name}`: {links}",
        f"{metadata['modality']}, {str(metadata['organ']).lower()}",
        _architecture(train / METHODS[method][2], name),
        _weights(inference),
    )


def _architecture(path: Path, name: str) -> str:
    provenance = cast(Mapping[str, object], _read(path)["provenance"])
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


def _read(path: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return content

"""A case's label beside the segmentations before and after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from torch import Tensor

from iac_components.adaptation.fitting.cases import SiteCase
from iac_components.visualization.colours import DARK, FURTHER, PALETTE
from iac_components.visualization.png import encode_png

__all__ = ["draw_case"]

# The first colours of the palette vanish on a dark image.
COLOURS = ("#e69f00", "#56b4e9", "#cc79a7", "#009e73", "#d55e00", *FURTHER, PALETTE[0])


def draw_case(
    case: SiteCase, maps: Sequence[tuple[str, Tensor]], class_names: Sequence[str]
) -> bytes:
    """Draw the slice with most label, once for every label map, as a PNG.

    Args:
        case: whose first channel is shown.
        maps: title and label map ``(*S)``, classes numbered from 1; the first decides the slice.
        class_names: of the classes, from 1.
    """
    index = _fullest(maps[0][1])
    image = _flat(case.image[0], index)
    figure = Figure(figsize=(2.6 * len(maps) + 0.2, 3.3), facecolor="white", layout="constrained")
    panels = figure.subplots(1, len(maps), squeeze=False)[0]
    low, high = np.percentile(image.astype(np.float64), (1, 99.5))
    colours = ListedColormap([COLOURS[i % len(COLOURS)] for i in range(len(class_names))])
    for panel, (title, labels) in zip(panels, maps, strict=True):
        panel.imshow(image.T, cmap="gray", vmin=low, vmax=high, origin="lower")
        flat = _flat(labels, index).T.astype(float)
        shown = np.ma.masked_equal(flat, 0)
        panel.imshow(
            shown,
            cmap=colours,
            vmin=1,
            vmax=max(2, len(class_names)),
            alpha=0.55,
            origin="lower",
            interpolation="nearest",
        )
        panel.set(xticks=[], yticks=[])
        panel.set_title(title, fontsize=9, color=DARK)
    figure.legend(
        handles=[
            Patch(color=COLOURS[i % len(COLOURS)], label=name) for i, name in enumerate(class_names)
        ],
        loc="outside lower center",
        ncols=min(5, len(class_names)),
        frameon=False,
        fontsize=8,
    )
    return encode_png(figure)


def _fullest(labels: Tensor) -> int | None:
    """Return the slice across the last axis that shows most; None for an image."""
    if labels.ndim == 2:
        return None
    return int((labels > 0).flatten(0, 1).sum(dim=0).argmax())


def _flat(volume: Tensor, index: int | None) -> NDArray[np.generic]:
    flat = volume if index is None else volume[..., index]
    array: NDArray[np.generic] = flat.cpu().numpy()
    return array

"""Segmentations drawn over their images, prediction beside reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from iac_components.visualization.colours import DARK, FURTHER, PALETTE
from iac_components.visualization.overlays.volume_slices import Slice, read_slices
from iac_components.visualization.png import write_png

__all__ = ["OverlayCase", "write_overlay", "write_overlay_sheet"]

PANEL = 2.3  # inches
TOP, LEFT, RIGHT = 0.28, 0.35, 0.1  # inches around the panels
LEGEND_ROW, LEGEND_COLUMN = 0.24, 1.5  # inches
OPACITY = 0.35
# The blue and black of the palette vanish on a dark image: the bright ones come first.
COLOURS = ("#e69f00", "#56b4e9", "#cc79a7", "#009e73", "#d55e00", *FURTHER, PALETTE[0])


@dataclass(frozen=True)
class OverlayCase:
    """The files of one case of a sheet."""

    name: str
    image_path: str | Path
    prediction_path: str | Path
    label_path: str | Path | None = None


def write_overlay(
    image_path: str | Path,
    prediction_path: str | Path,
    out_png: str | Path,
    *,
    label_path: str | Path | None = None,
    class_names: Sequence[str] | None = None,
) -> Path:
    """Draw up to four slices of a case: above the reference, below the prediction.

    Without a reference the row above shows the image alone. How slices are chosen and cropped is
    said at ``read_slices``; pixels have the aspect of their spacing.

    Args:
        image_path: 2-D or 3-D NIfTI file; of a 4-D file the first channel is shown.
        prediction_path: NIfTI file of class indices on the image's grid.
        out_png: the picture to write.
        label_path: NIfTI file of the reference on the image's grid.
        class_names: names of the classes 1, 2, ... (not of the background).

    Raises:
        ValueError: naming the files at fault: not readable, no class indices, or shapes or
            affines that differ; or if a class that occurs has no name.
    """
    slices = read_slices(image_path, prediction_path, label_path=label_path)
    columns = [(part.name, part) for part in slices]
    return _write_columns(columns, out_png, class_names=class_names)


def write_overlay_sheet(
    cases: Sequence[OverlayCase],
    out_png: str | Path,
    *,
    class_names: Sequence[str] | None = None,
) -> Path:
    """Draw several cases side by side, each by the one slice with most foreground.

    Args:
        cases: at least one case.
        out_png: the picture to write.
        class_names: names of the classes 1, 2, ... (not of the background).

    Raises:
        ValueError: as ``write_overlay``, or without any case.
    """
    if not cases:
        raise ValueError("no case was given for the overlay sheet; pass at least one")
    columns = [
        (
            case.name,
            read_slices(case.image_path, case.prediction_path, label_path=case.label_path, count=1)[
                0
            ],
        )
        for case in cases
    ]
    return _write_columns(columns, out_png, class_names=class_names)


def _write_columns(
    columns: Sequence[tuple[str, Slice]], out_png: str | Path, *, class_names: Sequence[str] | None
) -> Path:
    classes = sorted({int(value) for _, part in columns for value in _present(part)} - {0})
    names = _names(classes, class_names)
    heights = [_height(part) for _, part in columns]
    row = min(max(heights), 1.6) * PANEL
    width = LEFT + PANEL * len(columns) + RIGHT
    entries = max(1, int(width // LEGEND_COLUMN))
    bottom = 0.15 + LEGEND_ROW * -(-len(classes) // entries)
    height = TOP + 2 * row + bottom
    figure = Figure(figsize=(width, height), facecolor="white")
    panels = figure.subplots(
        2,
        len(columns),
        squeeze=False,
        gridspec_kw={
            "left": LEFT / width,
            "right": 1 - RIGHT / width,
            "bottom": bottom / height,
            "top": 1 - TOP / height,
            "wspace": 0.04,
            "hspace": 0.04,
        },
    )
    for column, (title, part) in enumerate(columns):
        _draw(panels[0, column], part, part.label, classes)
        _draw(panels[1, column], part, part.prediction, classes)
        panels[0, column].set_title(title, fontsize=9, color=DARK, pad=4)
    labelled = columns[0][1].label is not None
    panels[0, 0].set_ylabel("reference" if labelled else "image", fontsize=10, color=DARK)
    panels[1, 0].set_ylabel("prediction", fontsize=10, color=DARK)
    figure.legend(
        handles=[Patch(color=_colour(value), label=names[value]) for value in classes],
        loc="lower center",
        ncols=entries,
        frameon=False,
        fontsize=9,
    )
    return write_png(figure, out_png)


def _present(part: Slice) -> NDArray[np.int64]:
    labels = [part.prediction] if part.label is None else [part.prediction, part.label]
    return np.unique(np.concatenate([label.ravel() for label in labels]))


def _names(classes: Sequence[int], given: Sequence[str] | None) -> dict[int, str]:
    if given is None:
        return {value: f"class {value}" for value in classes}
    if classes and classes[-1] > len(given):
        raise ValueError(
            f"class_names holds {len(given)} name(s), but class {classes[-1]} occurs; "
            "name the classes 1, 2, ... in order, without the background"
        )
    return {value: given[value - 1] for value in classes}


def _height(part: Slice) -> float:
    """Return the height of the slice over its width, as seen."""
    rows, columns = part.image.shape
    return part.aspect * float(rows) / float(columns)


def _colour(value: int) -> tuple[float, float, float]:
    return to_rgb(COLOURS[(value - 1) % len(COLOURS)])


def _draw(panel: Axes, part: Slice, mask: NDArray[np.int64] | None, classes: Sequence[int]) -> None:
    """Draw the image in grey and, over it, each class filled faintly with a clear outline."""
    finite = part.image[np.isfinite(part.image)]
    low, high = np.percentile(finite, (1, 99.5)) if finite.size else (0.0, 1.0)
    panel.imshow(
        part.image,
        cmap="gray",
        vmin=float(low),
        vmax=float(high),
        origin="lower",
        aspect=part.aspect,
        interpolation="bilinear",
    )
    panel.set(xticks=[], yticks=[], anchor="N")
    panel.spines[:].set_visible(False)
    if mask is None:
        return
    for value in classes:
        inside = mask == value
        if not inside.any():
            continue
        tint = np.zeros((*mask.shape, 4))
        tint[inside] = (*_colour(value), OPACITY)
        panel.imshow(tint, origin="lower", aspect=part.aspect, interpolation="nearest")
        # A frame of background closes the outline of what touches the edge of the crop.
        framed = np.pad(inside.astype(float), 1)
        axes = [np.arange(-1, size + 1) for size in mask.shape]
        panel.contour(
            axes[1], axes[0], framed, levels=[0.5], colors=[_colour(value)], linewidths=1.3
        )
    panel.set_xlim(-0.5, mask.shape[1] - 0.5)
    panel.set_ylim(-0.5, mask.shape[0] - 0.5)

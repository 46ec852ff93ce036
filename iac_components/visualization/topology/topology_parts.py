"""Parts of the picture of a topology: paths, nodes and the words around them.

One data unit is one inch; the first column of nodes stands at x = 0, the finest depth at y = 0.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from iac_components.visualization.colours import DARK, GREY

__all__ = ["DROP", "LEFT", "RIGHT", "STEP", "Stroke", "draw_ends", "draw_nodes", "draw_path"]

STEP, DROP = 0.95, 0.85
RADIUS = 0.15
BOX, GAP = 0.34, 0.55  # width of the boxes at the ends, and their distance from the nodes
LEFT, RIGHT = 2.35, 1.2  # room left and right of the nodes
Node = tuple[int, int]
"""Column and depth."""


@dataclass(frozen=True)
class Stroke:
    """Style of a path's line.

    Attributes:
        kind: what it says; the id of the line in the figure.
        colour: hex.
        width: points.
        layer: higher ones cover lower ones.
        alpha: opacity.
        dotted: whether the line is broken.
    """

    kind: str
    colour: str
    width: float
    layer: float
    alpha: float = 1.0
    dotted: bool = False

    def line(self, x: tuple[float, ...], y: tuple[float, ...], label: str = "") -> Line2D:
        """Return a line through points in inches; none makes the entry of a legend."""
        return Line2D(
            x,
            y,
            color=self.colour,
            lw=self.width,
            ls=(0, (1.2, 2.0)) if self.dotted else "-",
            alpha=self.alpha,
            zorder=self.layer,
            gid=self.kind,
            label=label,
            solid_capstyle="butt",
        )


def draw_path(axes: Axes, block: int, path: tuple[int, int], stroke: Stroke) -> None:
    """Draw a path of a block from its source depth to its target depth."""
    source, target = path
    x = (STEP * block, STEP * (block + 1))
    axes.add_line(stroke.line(x, (-DROP * source, -DROP * target)))


def draw_nodes(axes: Axes, blocks: int, depths: int, active: Collection[Node]) -> None:
    """Draw the (L + 1) x D feature nodes as circles, the active ones filled."""
    for column in range(blocks + 1):
        for depth in range(depths):
            filled = (column, depth) in active
            axes.add_patch(
                Circle(
                    (STEP * column, -DROP * depth),
                    RADIUS if filled else 0.6 * RADIUS,
                    facecolor="#3d4f63" if filled else "white",
                    edgecolor="#3d4f63" if filled else "#c4c4c4",
                    lw=1.0,
                    zorder=5,
                    gid="active node" if filled else "node",
                )
            )


def draw_ends(axes: Axes, blocks: int, names: tuple[str, ...], active: Collection[Node]) -> None:
    """Draw the image before the first column, the segmentation after the last, and all names.

    Args:
        axes: where to.
        blocks: L.
        names: of the D depths.
        active: nodes that are in use; those of the first and last column get an arrow.
    """
    depths, end = len(names), STEP * blocks
    left, right = -GAP - BOX / 2, end + GAP + BOX / 2
    for x, text in ((left, "image"), (right, "segmentation")):
        low = -DROP * (depths - 1) - 0.25
        axes.add_patch(
            FancyBboxPatch(
                (x - BOX / 2, low),
                BOX,
                0.25 - low,
                boxstyle="round,pad=0,rounding_size=0.08",
                facecolor="#eef2f6",
                edgecolor=GREY,
                lw=0.9,
                zorder=4,
            )
        )
        y = (low + 0.25) / 2
        axes.text(
            x, y, text, rotation=90, ha="center", va="center", fontsize=10, color=DARK, zorder=5
        )
    for depth, name in enumerate(names):
        y = -DROP * depth
        axes.text(left - BOX / 2 - 0.12, y, name, ha="right", va="center", fontsize=9.5, color=DARK)
        if (0, depth) in active:
            _draw_arrow(axes, left + BOX / 2, -RADIUS, y)
        if (blocks, depth) in active:
            _draw_arrow(axes, end + RADIUS, right - BOX / 2, y)
    for block in range(blocks):
        x = STEP * (block + 0.5)
        axes.text(x, 0.34, f"block {block}", ha="center", va="center", fontsize=8.5, color=GREY)


def _draw_arrow(axes: Axes, begin: float, end: float, y: float) -> None:
    axes.add_patch(
        FancyArrowPatch(
            (begin, y),
            (end, y),
            arrowstyle="-|>",
            mutation_scale=10,
            shrinkA=0,
            shrinkB=0,
            color="#3d4f63",
            lw=1.2,
            zorder=4,
        )
    )

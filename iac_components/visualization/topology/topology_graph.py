"""The picture of a DiNTS topology: resolutions down, blocks to the right, paths between them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from iac_components.dints import DintsArchitecture, DintsSpace
from iac_components.search import SearchTrace
from iac_components.visualization.colours import DARK, display_name, operation_colours
from iac_components.visualization.png import write_png
from iac_components.visualization.topology.path_trace import (
    PathTrace,
    require_same_space,
    trace_paths,
)
from iac_components.visualization.topology.topology_parts import (
    DROP,
    LEFT,
    RIGHT,
    STEP,
    Stroke,
    draw_ends,
    draw_nodes,
    draw_path,
)

__all__ = ["draw_topology"]

BLOCKS, FOOT = 0.6, 0.45  # inches above and below the nodes
TITLE_ROW, TITLE_LETTER = 0.22, 0.092
LEGEND_ROW, LEGEND_ENTRY = 0.24, 1.95
POSSIBLE = Stroke("possible", "#d4d4d4", 1.0, 1)
REMOVED = Stroke("removed", "#b0b0b0", 1.0, 1, dotted=True)
CHOSEN = Stroke("chosen", DARK, 2.8, 3)
WIDEST = 10.0  # points
SHARES = (0.25, 0.5, 1.0)
FACTS = (
    ("epoch", "epoch {:g}"),
    ("epochs", "{:g} epochs searched"),
    ("validation_score", "validation Dice {:.3f}"),
    ("memory.activation_gigabytes", "activations {:.3g} GB"),
    ("memory.budget_gigabytes", "budget {:.3g} GB"),
)
"""Numbers of the provenance that the title shows if they are there."""


def draw_topology(
    out_png: str | Path,
    *,
    topology: DintsArchitecture | None = None,
    trace: SearchTrace | None = None,
    epoch: int | None = None,
) -> Path:
    """Draw a topology, the probabilities of all paths, or one over the other.

    Every possible path is a thin grey line. With a trace a band along it is the wider the more
    probable the path is, and a path that was removed is dotted. The chosen paths have the colour
    of their operation; circles are filled where a chosen path begins or ends (without an
    architecture: where a living one does).

    Args:
        out_png: the picture to write.
        topology: the architecture that was chosen.
        trace: of a DiNTS search.
        epoch: of the trace, from 1; that of the topology's provenance or the last if None.

    Raises:
        ValueError: if neither topology nor trace is given, they are of different spaces, the trace
            is not that of a DiNTS search or has no such epoch.
    """
    paths = None if trace is None else trace_paths(trace)
    if paths is not None:
        require_same_space(paths, topology)
    if (source := topology or paths) is None:
        raise ValueError("nothing to draw: pass a topology, a trace or both")
    shown = None if paths is None else _epoch(paths, topology, epoch)
    space = source.space
    blocks, depths = space.num_blocks, space.num_depths
    handles = _legend(paths, shown, topology)
    width = LEFT + STEP * blocks + RIGHT
    entries = max(1, int(width // LEGEND_ENTRY))
    below = DROP * (depths - 1) + FOOT + LEGEND_ROW * -(-len(handles) // entries)
    title = textwrap.wrap(_title(topology, shown), int(width / TITLE_LETTER))
    above = 0.18 + TITLE_ROW * len(title) + BLOCKS
    height = above + below
    figure = Figure(figsize=(width, height), facecolor="white")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(-LEFT, STEP * blocks + RIGHT)
    axes.set_ylim(-below, above)
    active: set[tuple[int, int]] = set()
    for block, path, stroke in _strokes(paths, shown, topology, space):
        draw_path(axes, block, path, stroke)
        if stroke.kind == ("probability" if topology is None else "chosen"):
            active |= {(block, path[0]), (block + 1, path[1])}
    draw_nodes(axes, blocks, depths, active)
    draw_ends(axes, blocks, _depth_names(depths, topology), active)
    at = (0.15 - LEFT, above - 0.1)
    axes.text(*at, "\n".join(title), fontsize=11.5, color=DARK, va="top")
    figure.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.05 / width, 0.0),
        ncols=entries,
        frameon=False,
        fontsize=9,
        handlelength=2.4,
        columnspacing=1.6,
    )
    return write_png(figure, out_png)


def _epoch(paths: PathTrace, topology: DintsArchitecture | None, epoch: int | None) -> int:
    last = len(paths.epochs)
    found = epoch
    if found is None:
        found = last if topology is None else int(_numbers(topology.provenance).get("epoch", last))
    if not 1 <= found <= last:
        raise ValueError(f"epoch is {found}, but the trace holds 1 to {last}")
    return found


def _strokes(
    paths: PathTrace | None,
    epoch: int | None,
    topology: DintsArchitecture | None,
    space: DintsSpace,
) -> list[tuple[int, tuple[int, int], Stroke]]:
    """Return block, path and stroke of every line of the picture."""
    strokes = []
    for block in range(space.num_blocks):
        for row, path in enumerate(space.paths):
            if paths is None or epoch is None:
                strokes.append((block, path, POSSIBLE))
            elif paths.alive[epoch - 1, block, row]:
                share = float(paths.probability[epoch - 1, block, row])
                strokes += [(block, path, POSSIBLE), (block, path, _band(share))]
            else:
                strokes.append((block, path, REMOVED))
    if topology is not None:
        colours = operation_colours(topology.space.operations)
        strokes += [
            (block, (p.source, p.target), replace(CHOSEN, colour=colours[p.operation]))
            for block, chosen in enumerate(topology.blocks)
            for p in chosen
        ]
    return strokes


def _band(share: float) -> Stroke:
    return Stroke("probability", "#8fa9c4", WIDEST * share, 2, alpha=0.2 + 0.45 * share)


def _depth_names(depths: int, topology: DintsArchitecture | None) -> tuple[str, ...]:
    if topology is None:
        return ("depth 0 (finest)", *(f"depth {depth}" for depth in range(1, depths)))
    first = int(topology.space.use_downsample)
    names = [f"1/{2**power} resolution" if power else "full resolution" for power in range(9)]
    return tuple(names[first : first + depths])


def _title(topology: DintsArchitecture | None, epoch: int | None) -> str:
    head = "Path probabilities" if topology is None else "Chosen topology"
    facts = {} if topology is None else _numbers(topology.provenance)
    shown = [text.format(facts[name]) for name, text in FACTS if name in facts]
    if epoch is not None and facts.get("epoch") != epoch:
        shown.append(f"epoch {epoch}" if topology is None else f"probabilities of epoch {epoch}")
    return f"{head}: {', '.join(shown)}" if shown else head


def _numbers(values: Mapping[str, object], prefix: str = "") -> dict[str, float]:
    """Return the numbers of a provenance; those of an object in it as ``memory.gigabytes``."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, dict) and not prefix:
            found |= _numbers(value, f"{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[prefix + name] = value
    return found


def _legend(
    paths: PathTrace | None, epoch: int | None, topology: DintsArchitecture | None
) -> list[Line2D]:
    """Return the legend's entries: the used operations, then grey lines and bands."""
    handles = []
    if topology is not None:
        used = {path.operation for block in topology.blocks for path in block}
        handles += [
            replace(CHOSEN, colour=colour).line((), (), display_name(name))
            for name, colour in operation_colours(topology.space.operations).items()
            if name in used
        ]
    handles.append(POSSIBLE.line((), (), "possible path"))
    if paths is not None and epoch is not None:
        if not paths.alive[epoch - 1].all():
            handles.append(REMOVED.line((), (), "removed by pruning"))
        handles += [_band(share).line((), (), f"path probability {share:g}") for share in SHARES]
    return handles

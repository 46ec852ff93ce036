from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure

from iac_components.search.audits.looks.audit_file import AuditedPart, AuditLine
from iac_components.visualization.findings.effect_curves import (
    ENDS,
    MOST_PANELS,
    draw_effect_curves,
)

CELLS = AuditedPart("cells", None, None, "", "")
CELL = AuditedPart("cell", 1, None, "", "")
SKIP = AuditedPart("skip", 0, None, "", "")
NODE = AuditedPart("node", 0, 2, "", "")
EDGE = AuditedPart("edge", 0, 2, "node_0", "")
OPERATION = AuditedPart("operation", 0, 2, "node_0", "sep_conv_3x3")
PATH = AuditedPart("path", 4, 1, "depth_2", "")


def course(part: AuditedPart, *, epochs: int = 4, verdict: str = "needed") -> list[AuditLine]:
    """Bounds are infinite at the first look."""
    return [
        AuditLine(
            epoch,
            part,
            0.001 * epoch,
            -math.inf if epoch == 1 else 0.0005 * epoch,
            math.inf if epoch == 1 else 0.002 * epoch,
            "undecided" if epoch < epochs else verdict,
        )
        for epoch in range(1, epochs + 1)
    ]


def panels(figure: Figure) -> dict[str, Axes]:
    return {axes.get_title("left"): axes for axes in figure.axes}


def test_each_group_has_a_panel_and_all_is_readable(
    figures: list[Figure], readable: Callable[[Figure], None], tmp_path: Path
) -> None:
    parts = (OPERATION, EDGE, NODE, SKIP, CELL, CELLS)
    lines = [line for part in parts for line in course(part)]
    draw_effect_curves(lines, tmp_path / "curves.png")
    readable(figures[0])
    assert list(panels(figures[0])) == ["cells", "skips", "nodes", "into node 2", "node 0 → node 2"]
    shown = {text.get_text() for legend in figures[0].legends for text in legend.get_texts()}
    assert {"all together", "level 1", "node 2", "sep conv 3×3", "ends needed"} <= shown


@pytest.mark.parametrize("verdict", ENDS)
def test_a_curve_ends_with_what_was_concluded(
    figures: list[Figure], tmp_path: Path, verdict: str
) -> None:
    draw_effect_curves(course(CELL, epochs=3, verdict=verdict), tmp_path / "curves.png")
    curve, end = panels(figures[0])["cells"].lines[-2:]
    assert list(curve.get_ydata()) == pytest.approx([1, 2, 3])
    assert (end.get_marker(), end.get_xdata()[0]) == (ENDS[verdict][0], 3)


def test_no_surface_where_there_is_no_bound(figures: list[Figure], tmp_path: Path) -> None:
    draw_effect_curves(course(CELL), tmp_path / "curves.png")
    (band,) = panels(figures[0])["cells"].findobj(FillBetweenPolyCollection)
    corners = np.concatenate([path.vertices for path in band.get_paths()])
    assert corners[:, 0].min() == 2
    assert corners[:, 1].max() == pytest.approx(8)


def test_paths_of_a_topology_have_a_panel_a_block(figures: list[Figure], tmp_path: Path) -> None:
    operation = AuditedPart("operation", 4, 1, "depth_2", "conv_3x3x3")
    draw_effect_curves([*course(PATH), *course(operation)], tmp_path / "curves.png")
    assert list(panels(figures[0])) == ["block 4: paths", "block 4: depth 2 → 1"]


def test_too_many_operations_are_left_to_the_file(figures: list[Figure], tmp_path: Path) -> None:
    operations = [
        AuditedPart("operation", level, 0, "skip", "skip_connect") for level in range(MOST_PANELS)
    ]
    lines = [line for part in [CELL, *operations] for line in course(part, epochs=1)]
    draw_effect_curves(lines, tmp_path / "curves.png")
    assert list(panels(figures[0])) == ["cells"]
    assert "skip connect" not in str([legend.get_texts() for legend in figures[0].legends])


def test_nothing_to_draw_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no look"):
        draw_effect_curves([], tmp_path / "curves.png")

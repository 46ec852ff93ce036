from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from iac_components.visualization import Edge, read_trace
from iac_components.visualization.cells.final_cell import chosen_operations
from iac_components.visualization.curves import divergence_curves, probability_curves
from iac_components.visualization.curves.divergence_curves import draw_divergence_curves
from iac_components.visualization.curves.probability_curves import draw_probability_curves
from iac_components.visualization.png import LARGEST_FILE, write_png

DRAW = (draw_probability_curves, draw_divergence_curves)
SIZES = (
    {"epochs": 1},
    {"epochs": 5, "num_nodes": 1},
    {"epochs": 12, "levels": 2, "num_nodes": 1},
    {"epochs": 200, "num_nodes": 3},
)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    kept: list[Figure] = []

    def keep(figure: Figure, path: str | Path) -> Path:
        kept.append(figure)
        return write_png(figure, path)

    for module in (probability_curves, divergence_curves):
        monkeypatch.setattr(module, "write_png", keep)
    return kept


@pytest.mark.parametrize("draw", DRAW)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_any_size_of_search_is_drawn_without_a_warning(
    make_rows: Callable[..., list],
    write_trace: Callable,
    tmp_path: Path,
    draw: Callable,
    sizes: dict[str, int],
) -> None:
    trace = read_trace(write_trace(make_rows(**sizes)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = draw(trace, tmp_path / "curves.png")
    assert path.stat().st_size <= LARGEST_FILE
    assert len(Image.open(path).convert("RGB").getcolors(10**7)) > 20


def test_probability_panels_show_the_trace(
    figures: list[Figure], trace_csv: Path, tmp_path: Path
) -> None:
    trace = read_trace(trace_csv)
    draw_probability_curves(trace, tmp_path / "curves.png")
    panels = {axes.get_title("left"): axes for axes in figures[0].axes if axes.get_visible()}
    assert len(panels) == 14
    chosen = {(c.input, c.node) for c in chosen_operations(trace)}
    for index, edge in enumerate(trace.edges):
        panel = panels[f"{edge.input.replace('_', ' ')} → node {edge.node}"]
        living = trace.active[:, index]
        curves = [line for line in panel.lines if line.get_linestyle() != "--"]
        assert sum(len(np.atleast_1d(line.get_xdata())) > 1 for line in curves) == 8
        removed = not living[-1].any()
        assert len(panel.patches) == removed
        framed = panel.spines["left"].get_linewidth() > 1
        assert framed == ((edge.input, edge.node) in chosen)
        assert framed != removed
        if removed:
            assert panel.patches[0].get_x() == living.any(axis=1).argmin() + 1


def test_divergence_panels_mark_every_event(
    figures: list[Figure], trace_csv: Path, tmp_path: Path
) -> None:
    trace = read_trace(trace_csv)
    draw_divergence_curves(trace, tmp_path / "curves.png")
    panels = {axes.get_title("left"): axes for axes in figures[0].axes}
    lines = [line for node in range(4) for line in panels[f"node {node}"].lines]
    marks = [line.get_marker() for line in lines]
    assert marks.count("X") == 6
    assert marks.count("o") == 8
    assert marks.count("None") == 14
    assert all(panels[f"node {node}"].get_yscale() == "log" for node in range(4))
    edge = trace.edges.index(Edge(0, 0, "skip"))
    drawn = panels["node 0"].lines[0].get_ydata()
    decided = int((trace.active[:, edge].sum(axis=1) == 1).argmax())
    assert np.array_equal(
        drawn[: decided + 1], trace.divergence[: decided + 1, edge], equal_nan=True
    )
    assert np.isnan(drawn[decided + 1 :]).all()
    assert np.array_equal(
        panels["living operations"].lines[0].get_ydata(), trace.active.sum(axis=(1, 2))
    )
    assert np.array_equal(panels["seconds per epoch"].lines[0].get_ydata(), trace.seconds)

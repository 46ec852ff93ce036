from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from iac_components.visualization.topology.entropy_curves import draw_entropies
from iac_components.visualization.topology.memory_curve import draw_expected_memory
from iac_components.visualization.topology.summary_file import read_summary

Make = Callable[..., Path]
Rows = list[dict[str, object]]


def shaded(axes: Axes) -> list[tuple[float, float]]:
    """First and last x of every shaded span."""
    spans = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    return [(span.get_x(), span.get_x() + span.get_width()) for span in spans]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


@pytest.mark.parametrize("draw", [draw_entropies, draw_expected_memory])
@pytest.mark.parametrize("epochs", [1, 4, 300])
def test_any_length_of_search_is_readable(
    make_summary: Make,
    figures: list[Figure],
    readable: Callable[[Figure], None],
    tmp_path: Path,
    draw: Callable[..., Path],
    epochs: int,
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(read_summary(make_summary(epochs=epochs)), tmp_path / "curves.png")
    readable(figures[0])
    ticks = [t for a in figures[0].axes for t in a.get_xticks() if a.get_xlim()[0] < t]
    assert np.array_equal(ticks, np.round(ticks))


def test_each_panel_shows_its_column(
    make_summary: Make, figures: list[Figure], tmp_path: Path
) -> None:
    summary = read_summary(make_summary(epochs=10))
    draw_entropies(summary, tmp_path / "entropies.png")
    columns = (summary.path_entropy, summary.operation_entropy, summary.topology_loss)
    names = ("path entropy", "operation entropy", "topology loss")
    for panel, values, name in zip(figures[0].axes, columns, names, strict=True):
        assert np.array_equal(panel.lines[0].get_ydata(), values)
        assert np.array_equal(panel.lines[0].get_xdata(), summary.epochs)
        assert panel.get_ylabel().startswith(name)
        assert panel.get_ylim()[0] <= values.min()
        assert panel.get_ylim()[1] >= values.max()
        assert shaded(panel) == [(0.5, 3.5)]
        assert panel.lines[1].get_xdata() == [3.5, 3.5]
    assert texts(figures[0]) == ["warm-up: weights only, to epoch 3"]


@pytest.mark.parametrize("value", [0.0, -1e-5])
def test_a_decided_search_has_room_on_its_axes(
    make_summary: Make,
    make_summary_rows: Callable[..., Rows],
    figures: list[Figure],
    tmp_path: Path,
    value: float,
) -> None:
    rows = [{**row, "path_entropy": value} for row in make_summary_rows(epochs=3)]
    draw_entropies(read_summary(make_summary(rows)), tmp_path / "entropies.png")
    low, high = figures[0].axes[0].get_ylim()
    assert low <= value < high == 1.0


def test_no_warm_up_is_not_shaded(
    make_summary: Make, figures: list[Figure], tmp_path: Path
) -> None:
    summary = read_summary(make_summary(epochs=1))
    draw_entropies(summary, tmp_path / "entropies.png")
    draw_expected_memory(summary, tmp_path / "memory.png")
    assert summary.warm_up_epochs == 0
    assert not [span for figure in figures for axes in figure.axes for span in shaded(axes)]
    assert not any("warm-up" in text for figure in figures for text in texts(figure))


def test_memory_is_drawn_against_its_budget(
    make_summary: Make, figures: list[Figure], tmp_path: Path
) -> None:
    summary = read_summary(make_summary(epochs=10, budget=0.5))
    draw_expected_memory(summary, tmp_path / "memory.png")
    axes = figures[0].axes[0]
    spent, budget = axes.lines[:2]
    assert np.array_equal(spent.get_ydata(), summary.expected_memory_gigabytes)
    assert (budget.get_xdata()[0], budget.get_xdata()[-1]) == axes.get_xlim()
    np.testing.assert_allclose(budget.get_ydata(), 6.0)
    assert shaded(axes) == [(0.5, 3.5)]
    assert texts(figures[0])[:2] == [
        "expected memory",
        "budget: 6 GB, 50 % of the largest network",
    ]
    assert axes.get_ylabel() == "expected memory (GB)"
    assert axes.get_ylim()[0] == 0
    assert axes.get_ylim()[1] > summary.expected_memory_gigabytes.max()


def test_without_a_budget_there_is_no_line(
    make_summary: Make, figures: list[Figure], tmp_path: Path
) -> None:
    draw_expected_memory(read_summary(make_summary(epochs=1, budget=None)), tmp_path / "m.png")
    assert len(figures[0].axes[0].lines) == 1
    assert texts(figures[0]) == ["expected memory"]

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from iac_components.visualization import read_topology, read_trace
from iac_components.visualization.curves.pruning_events import pruning_events
from iac_components.visualization.topology.path_curves import (
    PRUNED,
    REMOVED,
    draw_path_probabilities,
)
from iac_components.visualization.topology.path_trace import trace_paths

Make = Callable[..., Path]


def marks(panel: Axes, marker: str) -> set[tuple[float, int]]:
    """Epoch and row of every mark of a panel."""
    return {
        (float(x), int(y))
        for line in panel.lines
        if line.get_marker() == marker
        for x, y in zip(
            np.atleast_1d(line.get_xdata()), np.atleast_1d(line.get_ydata()), strict=True
        )
    }


@pytest.mark.parametrize(("blocks", "depths", "epochs"), [(1, 2, 1), (4, 3, 30), (12, 4, 6)])
def test_any_space_is_readable(
    make_search: Make,
    figures: list[Figure],
    readable: Callable[[Figure], None],
    tmp_path: Path,
    blocks: int,
    depths: int,
    epochs: int,
) -> None:
    folder = make_search(blocks, depths, epochs)
    draw_path_probabilities(
        read_trace(folder / "search_trace.csv"),
        tmp_path / "paths.png",
        topology=read_topology(folder / "architecture.json"),
    )
    readable(figures[0])
    assert len(figures[0].axes) == blocks + 1  # and the bar of the colours


def test_panels_show_the_trace_and_its_prunings(
    make_search: Make, figures: list[Figure], tmp_path: Path
) -> None:
    folder = make_search(12, 4, 8)
    trace = read_trace(folder / "search_trace.csv")
    topology = read_topology(folder / "architecture.json")
    draw_path_probabilities(trace, tmp_path / "paths.png", topology=topology)
    paths, events = trace_paths(trace), pruning_events(trace)
    assert any(e.edge_removed for e in events)
    assert not all(e.edge_removed for e in events)
    for block, panel in enumerate(figures[0].axes[:12]):
        assert panel.get_title("left") == f"block {block}"
        shown = panel.images[0].get_array()
        expected = np.where(paths.alive[:, block], paths.probability[:, block], np.nan).T
        np.testing.assert_array_equal(np.ma.filled(shown, np.nan), expected)
        labels = [label.get_text() for label in panel.get_yticklabels()]
        assert labels == [f"{source} → {target}" for source, target in paths.paths]
        rows = {edge: row for row, edge in enumerate(paths.rows[block].tolist())}
        for marker, removed in ((REMOVED, True), (PRUNED, False)):
            mine = [e for e in events if e.edge in rows and e.edge_removed == removed]
            assert marks(panel, marker) == {(e.epoch, rows[e.edge]) for e in mine}
        chosen = {(1.03, paths.paths.index((p.source, p.target))) for p in topology.blocks[block]}
        assert marks(panel, "<") == chosen


def test_without_an_architecture_nothing_is_called_chosen(
    make_search: Make, figures: list[Figure], tmp_path: Path
) -> None:
    trace = read_trace(make_search(prune=False) / "search_trace.csv")
    draw_path_probabilities(trace, tmp_path / "paths.png")
    assert all(
        not marks(panel, marker) for panel in figures[0].axes for marker in ("<", REMOVED, PRUNED)
    )
    legend = [text.get_text() for text in figures[0].legends[0].get_texts()]
    assert legend == ["lost operations", "removed"]


def test_files_of_different_searches_are_refused(make_search: Make, tmp_path: Path) -> None:
    topology = read_topology(make_search(2, 3) / "architecture.json")
    trace = read_trace(make_search(4, 3) / "search_trace.csv")
    with pytest.raises(ValueError, match="has 2 blocks of 3 depths, the trace 4 of 3"):
        draw_path_probabilities(trace, tmp_path / "paths.png", topology=topology)

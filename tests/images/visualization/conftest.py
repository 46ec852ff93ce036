"""Synthetic but realistic searches: probabilities drift apart, operations are pruned."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from drifting_traces import Rows, softmax, trace_rows, write_rows
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from iac_components.search import SearchTrace
from iac_components.visualization.cells import cell_graph
from iac_components.visualization.findings import effect_curves, forest
from iac_components.visualization.topology import (
    entropy_curves,
    memory_curve,
    path_curves,
    topology_graph,
)


@pytest.fixture(scope="session")
def make_rows() -> Callable[..., Rows]:
    return trace_rows


@pytest.fixture
def write_trace(tmp_path: Path) -> Callable[[Rows], Path]:
    return lambda rows: write_rows(tmp_path / "search_trace.csv", rows)


@pytest.fixture(scope="session")
def trace_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole search of 40 epochs, 14 edges, 8 operations."""
    return write_rows(tmp_path_factory.mktemp("trace") / "search_trace.csv", trace_rows())


@pytest.fixture(scope="session")
def change_trace() -> Callable[..., SearchTrace]:
    """Copy a trace with other arrays, each (T, L*E, O) or (T, L*E)."""

    def change(trace: SearchTrace, **arrays: np.ndarray) -> SearchTrace:
        state = trace.state_dict()
        for name, values in arrays.items():
            state[name] = torch.from_numpy(values.astype(np.float64)).reshape(state[name].shape)
        changed = SearchTrace(trace.space)
        changed.load_state_dict(state)
        return changed

    return change


DINTS_OPERATIONS = ("skip_connect", "conv_3x3x3", "conv_3x3x1", "conv_3x1x3", "conv_1x3x3")
SUMMARY_HEADER = (
    "epoch,seconds,loss,architecture_loss,regularizer_weight,path_entropy,operation_entropy,"
    "topology_loss,expected_memory_gigabytes,expected_memory_fraction,budget_fraction,"
    "living_operations,validation_dice"
)
WARM_UP = 0.3  # of the epochs


def dints_paths(depths: int) -> list[tuple[int, int]]:
    return [(s, t) for t in range(depths) for s in range(depths) if abs(s - t) <= 1]


def walk(blocks: int, depths: int, generator: np.random.Generator) -> list[set[tuple[int, int]]]:
    """Paths of an architecture in which nothing dangles: two walkers from the finest depth."""
    chosen: list[set[tuple[int, int]]] = [set() for _ in range(blocks)]
    for lowest in (0, 1):
        depth = lowest
        for block in range(blocks):
            step = depth + int(generator.integers(-1, 2))
            step = min(max(step, 0), depths - 1)
            chosen[block].add((depth, step))
            depth = step
    return chosen


def dints_trace_rows(
    blocks: int, depths: int, epochs: int, *, prune: bool, seed: int = 0
) -> tuple[Rows, list[list[dict[str, object]]]]:
    """Rows of a DiNTS trace that settles on an architecture, and the blocks of that one."""
    generator = np.random.default_rng(seed)
    paths = dints_paths(depths)
    chosen = walk(blocks, depths, generator)
    favourite = generator.integers(0, 5, (blocks, len(paths)))
    aim = np.array([[3.0 if p in on else -2.5 for p in paths] for on in chosen])
    aim += generator.normal(0, 0.8, aim.shape)
    rows: Rows = []
    for epoch in range(1, epochs + 1):
        grown = max(0.0, epoch / epochs - WARM_UP) / (1 - WARM_UP)
        share = 1 / (1 + np.exp(-grown * aim))
        for block in range(blocks):
            for place, (source, target) in enumerate(paths):
                keep = 5
                if prune and grown > 0.5:
                    keep = 2 if (source, target) in chosen[block] else 0 if grown > 0.8 else 3
                mix = np.zeros(5)
                mix[favourite[block, place]] = 2.5 * grown
                p = softmax(mix, np.argsort(np.argsort(-mix, kind="stable")) < keep)
                for index, name in enumerate(DINTS_OPERATIONS):
                    rows.append(
                        {
                            "epoch": epoch,
                            "level": block,
                            "node": target,
                            "input": f"depth_{source}",
                            "operation": name,
                            "probability": float(p[index]),
                            "divergence": "" if epoch == 1 else 0.01,
                            "active": int(p[index] > 0),
                            "edge_weight": float(share[block, place]) if keep else 0.0,
                            "seconds": 2.5,
                        }
                    )
    found = [
        [
            {
                "source": s,
                "target": t,
                "operation": DINTS_OPERATIONS[favourite[b, paths.index((s, t))]],
            }
            for s, t in sorted(on)
        ]
        for b, on in enumerate(chosen)
    ]
    return rows, found


def summary_rows(epochs: int, *, budget: float | None = 0.5) -> Rows:
    rows: Rows = []
    warm_up = int(WARM_UP * epochs)
    for epoch in range(1, epochs + 1):
        grown = max(0, epoch - warm_up) / max(1, epochs - warm_up)
        fraction = 0.78 - 0.3 * grown**0.6
        rows.append(
            {
                "epoch": epoch,
                "seconds": 2.5,
                "loss": 1.4 * np.exp(-epoch / epochs),
                "architecture_loss": "" if epoch <= warm_up else 1.2 - 0.5 * grown,
                "regularizer_weight": grown,
                "path_entropy": 0.69 * (1 - 0.9 * grown**2),
                "operation_entropy": 1.61 * (1 - 0.8 * grown),
                "topology_loss": 40 * (1 - 0.85 * grown),
                "expected_memory_gigabytes": 12 * fraction,
                "expected_memory_fraction": fraction,
                "budget_fraction": "" if budget is None else budget,
                "living_operations": int(600 - 400 * grown),
                "validation_dice": 0.4 + 0.4 * grown if epoch % 5 == 0 else "",
            }
        )
    return rows


def write_summary_rows(path: Path, rows: Rows) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, SUMMARY_HEADER.split(","))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def make_summary(tmp_path: Path) -> Callable[..., Path]:
    """Write rows of a summary; without any, those of ``epochs`` epochs."""

    def make(rows: Rows | None = None, **settings: object) -> Path:
        rows = summary_rows(**settings) if rows is None else rows
        return write_summary_rows(tmp_path / "search_summary.csv", rows)

    return make


@pytest.fixture(scope="session")
def make_summary_rows() -> Callable[..., Rows]:
    return summary_rows


@pytest.fixture
def make_search(tmp_path: Path) -> Callable[..., Path]:
    """Write the three files that a DiNTS search leaves into a folder of their own."""

    def make(blocks: int = 4, depths: int = 3, epochs: int = 6, *, prune: bool = True) -> Path:
        folder = tmp_path / f"search_{blocks}x{depths}_{epochs}_{prune}"
        folder.mkdir()
        rows, found = dints_trace_rows(blocks, depths, epochs, prune=prune)
        write_rows(folder / "search_trace.csv", rows)
        write_summary_rows(folder / "search_summary.csv", summary_rows(epochs))
        content = {
            "schema_version": 1,
            "kind": "dints",
            "search_space": {
                "num_blocks": blocks,
                "num_depths": depths,
                "spatial_dims": 3,
                "use_downsample": True,
                "channel_mul": 0.5,
                "operations": DINTS_OPERATIONS,
            },
            "blocks": [{"paths": paths} for paths in found],
            "provenance": {
                "epoch": epochs,
                "validation_score": 0.842,
                "memory": {"activation_gigabytes": 5.5, "budget_gigabytes": 6.0},
            },
        }
        (folder / "architecture.json").write_text(json.dumps(content), encoding="utf-8")
        return folder

    return make


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that a test draws, kept instead of being written."""
    kept: list[Figure] = []

    def keep(figure: Figure, path: str | Path) -> Path:
        kept.append(figure)
        return Path(path)

    cells = (cell_graph, effect_curves, forest)
    for module in (*cells, entropy_curves, memory_curve, path_curves, topology_graph):
        monkeypatch.setattr(module, "write_png", keep)
    return kept


@pytest.fixture(scope="session")
def readable() -> Callable[[Figure], None]:
    """Check that no two words of a figure overlap, and that all are inside of it."""

    def check(figure: Figure) -> None:
        canvas = FigureCanvasAgg(figure)
        # What is drawn, since matplotlib keeps labels of ticks that it does not draw.
        with mock.patch.object(Text, "draw", autospec=True) as draw:
            canvas.draw()
        drawn = dict.fromkeys(call.args[0] for call in draw.call_args_list)
        texts = [text for text in drawn if text.get_text() and text.get_visible()]
        assert texts
        renderer = canvas.get_renderer()
        boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts]
        width, height = figure.get_size_inches() * figure.dpi
        outside = [
            text
            for text, box in boxes
            if box.x0 < 0 or box.x1 > width or box.y0 < 0 or box.y1 > height
        ]
        assert not outside
        assert not [(a[0], b[0]) for a, b in combinations(boxes, 2) if a[1].overlaps(b[1])]

    return check

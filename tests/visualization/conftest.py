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
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from iac_components.visualization.topology import (
    entropy_curves,
    memory_curve,
    path_curves,
    topology_graph,
)

OPERATIONS = (
    "none",
    "skip_connect",
    "max_pool_3x3",
    "avg_pool_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
HEADER = "epoch,level,node,input,operation,probability,divergence,active,edge_weight,seconds"
KEEP = (8, 5, 3, 2, 1)
WINDOW = 5

Rows = list[dict[str, object]]


def softmax(values: np.ndarray, alive: np.ndarray) -> np.ndarray:
    exponent = np.where(alive, np.exp(values - values.max()), 0.0)
    return exponent / max(exponent.sum(), 1e-300)


def divergence(p: np.ndarray, q: np.ndarray) -> float:
    """Jensen-Shannon divergence in base 2."""
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.nansum(p * np.log2(p / middle))
        right = np.nansum(q * np.log2(q / middle))
    return float(np.clip((left + right) / 2, 0, 1))


def trace_rows(
    epochs: int = 40, *, levels: int = 1, num_nodes: int = 4, prune: bool = True, seed: int = 0
) -> Rows:
    """Rows of a trace; pruning goes 8, 5, 3, 2, 1 operations and to two edges a node."""
    generator = np.random.default_rng(seed)
    edges = [
        (level, node, name)
        for level in range(levels)
        for node in range(num_nodes)
        for name in ("skip", "gate", *(f"node_{i}" for i in range(node)))
    ]
    final = generator.normal(0, 1.6, (len(edges), len(OPERATIONS)))
    final[:, 0] += 0.4
    strength = generator.normal(0, 1, len(edges))
    wander = np.zeros_like(final)
    alive = np.ones_like(final, dtype=bool)
    stage = np.zeros(len(edges), dtype=int)
    due = epochs * 0.22 + generator.uniform(0, epochs * 0.15, len(edges))
    past: list[np.ndarray] = []
    rows: Rows = []
    for epoch in range(1, epochs + 1):
        grown = 1 - np.exp(-((epoch / (0.35 * epochs)) ** 2))
        wander = 0.85 * wander + generator.normal(0, 0.25 * (1 - 0.85 * grown), wander.shape)
        p = np.stack(
            [softmax(row, live) for row, live in zip(grown * final + wander, alive, strict=True)]
        )
        past.append(p)
        seconds = round(0.4 + 0.02 * alive.sum() + generator.uniform(0, 0.05), 4)
        had_edge = alive.any(axis=1)
        for index in range(len(edges)) if prune else ():
            if epoch >= due[index] and alive[index].any():
                stage[index] = min(stage[index] + 1, len(KEEP) - 1)
                due[index] += epochs * 0.12 + generator.uniform(0, 2)
                # `none` is pruned first, so that an edge never ends with it alone.
                order = np.argsort(-np.where(alive[index], p[index], -1))
                order = np.array([o for o in order if o != 0])
                alive[index] = False
                alive[index, order[: KEEP[stage[index]]]] = True
        for level in range(levels):
            for node in range(num_nodes):
                mine = [i for i, e in enumerate(edges) if e[:2] == (level, node)]
                living = [i for i in mine if alive[i].any()]
                if prune and epoch > epochs * 0.5 + 2 * node and len(living) > 2:
                    alive[min(living, key=lambda i: strength[i])] = False
        weights = np.zeros(len(edges))
        for level, node in {e[:2] for e in edges}:
            mine = [i for i, e in enumerate(edges) if e[:2] == (level, node)]
            weights[mine] = softmax(grown * strength[mine], alive[mine].any(axis=1))
        for index, (level, node, name) in enumerate(edges):
            value: object = ""
            if epoch > WINDOW and had_edge[index]:
                before = past[-1 - WINDOW][index] * (p[index] > 0)
                value = divergence(p[index], before / before.sum())
            for place, operation in enumerate(OPERATIONS):
                rows.append(
                    {
                        "epoch": epoch,
                        "level": level,
                        "node": node,
                        "input": name,
                        "operation": operation,
                        "probability": float(p[index, place] * alive[index, place]),
                        "divergence": value,
                        "active": int(alive[index, place]),
                        "edge_weight": float(weights[index]),
                        "seconds": seconds,
                    }
                )
    return rows


def write_rows(path: Path, rows: Rows) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, HEADER.split(","))
        writer.writeheader()
        writer.writerows(rows)
    return path


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
    """The figures that a test draws of a DiNTS search, kept in place of being written."""
    kept: list[Figure] = []

    def keep(figure: Figure, path: str | Path) -> Path:
        kept.append(figure)
        return Path(path)

    for module in (entropy_curves, memory_curve, path_curves, topology_graph):
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

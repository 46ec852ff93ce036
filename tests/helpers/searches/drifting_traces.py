"""Traces of synthetic but realistic cell searches: probabilities drift apart, operations go."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

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

"""Cells of every kind that a search may end with, and findings about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from iac_components.search_space import (
    Genotype,
    KeptEdge,
    NodeGenotype,
    SearchSpace,
    random_genotype,
)

__all__ = ["CELLS", "SPACE", "with_findings"]

SPACE = SearchSpace(3)
SEPARATE = replace(SPACE, levels=4)
SITES = replace(SPACE, levels=7, sites=("skips", "bottleneck", "decoder"))
FIRST = NodeGenotype(0, 0, (KeptEdge("skip", "sep_conv_5x5"), KeptEdge("gate", "skip_connect")))


def some(space: SearchSpace, keep: Callable[[NodeGenotype], bool], **fields: object) -> Genotype:
    """The nodes of a random cell that ``keep`` keeps, and their edges to each other."""
    nodes = [node for node in random_genotype(space, 3).nodes if keep(node)]
    there = {(node.level, f"node_{node.node}") for node in nodes}
    kept = []
    for node in nodes:
        edges = [
            edge
            for edge in node.edges
            if edge.input in ("skip", "gate") or (node.level, edge.input) in there
        ]
        kept.append(replace(node, edges=tuple(edges or [KeptEdge("gate", "max_pool_3x3")])))
    return Genotype(space, tuple(kept), **fields)  # type: ignore[arg-type]


CELLS = {
    "whole": random_genotype(SPACE, 1),
    "one_node": Genotype(SPACE, (FIRST,), no_cell=(2,), off=(3,)),
    "gap": some(SPACE, lambda node: node.node in (1, 3)),
    "no_cell": Genotype(SPACE, ()),
    "separate": some(SEPARATE, lambda node: node.level in (0, 3) and node.node < 2, off=(1,)),
    "sites": some(SITES, lambda node: node.level in (0, 3, 5) and node.node < 2),
}


def with_findings(
    genotype: Genotype,
    *,
    skips: int = 4,
    kind: str = "searched",
    decided: tuple[str, ...] = ("evidence",),
    gain: dict[str, float | None] | None = None,
) -> Genotype:
    """Record an effect of every part, each larger than the one before, decided in turn."""
    places = list(_places(genotype, skips))
    parts = [
        {
            **place,
            "effect": {"mean": 0.001 * n, "low": 0.0005 * n, "high": 0.0015 * n},
            "decided": decided[n % len(decided)],
        }
        for n, place in enumerate(places, start=1)
    ]
    findings = {
        "criterion": "audit",
        "patients": 12,
        "looks": 9,
        "tolerance": 0.003,
        "alpha": 0.05,
        "gain": gain or {"mean": 0.031, "low": 0.012, "high": 0.050},
        "parts": parts,
        "cost": {
            "milliseconds": {"plain": 5.0, "cells": 5.5},
            "multiply_adds": {"plain": 1000, "cells": 1180},
            "parameters": {"plain": 100, "cells": 105},
        },
    }
    return replace(genotype, provenance={"kind": kind, "findings": findings})


def _places(genotype: Genotype, skips: int) -> Iterator[dict[str, object]]:
    for level in range(skips):
        if genotype.treatment(level) == "cell":
            yield {"kind": "cell", "level": level}
    for level in range(skips):
        if genotype.treatment(level) != "off":
            yield {"kind": "skip", "level": level}
    for node in genotype.nodes:
        yield {"kind": "node", "level": node.level, "node": node.node}
    for kind in ("edge", "operation"):
        for node in genotype.nodes:
            for edge in node.edges:
                place = {"kind": kind, "level": node.level, "node": node.node, "input": edge.input}
                yield place | ({"operation": edge.operation} if kind == "operation" else {})

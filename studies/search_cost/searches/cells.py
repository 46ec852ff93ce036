"""The cell of every mode and seed, and how far two cells agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from iac_components.search_space import Genotype, load_genotype, random_genotype
from iac_components.visualization import read_trace
from studies.search_cost.searches.early_stop import EarlyStop, stop_early
from studies.search_cost.searches.plan import SearchPlan
from studies.search_cost.searches.searches import SEARCH_MODES
from studies.search_cost.searches.settings import BenchmarkSettings

__all__ = [
    "Agreement",
    "FoundCell",
    "agreement",
    "agreement_of_nodes",
    "early_stop_of",
    "found_cells",
]

Nodes = Sequence[Mapping[str, object]]
"""The nodes of a genotype's file."""


@dataclass(frozen=True)
class FoundCell:
    """Cell of a mode, for the training of one seed.

    Attributes:
        mode: one of the benchmark's.
        search_seed: of the search that found it (or of the draw); another than the training's seed
            where the mode was searched with fewer seeds.
        genotype: the cell.
    """

    mode: str
    search_seed: int
    genotype: Genotype


@dataclass(frozen=True)
class Agreement:
    """Agreement of one cell with another.

    Attributes:
        edges: share of the other's kept edges (level, node, input) that this one keeps too; where
            the other keeps none, 1 if this one keeps none either, else 0.
        operations: share of these that have the same operation; None without such edges.
    """

    edges: float
    operations: float | None


def agreement(cell: Genotype, other: Genotype) -> Agreement:
    """Compare a cell with another of the same space."""
    first, second = (one.architecture()["nodes"] for one in (cell, other))
    return agreement_of_nodes(cast(Nodes, first), cast(Nodes, second))


def agreement_of_nodes(nodes: Nodes, other: Nodes) -> Agreement:
    """Compare two cells by their nodes as they lie in files."""
    ours, theirs = _operations(nodes), _operations(other)
    common = ours.keys() & theirs.keys()
    same = sum(ours[edge] == theirs[edge] for edge in common)
    share = len(common) / len(theirs) if theirs else float(not ours)
    return Agreement(share, same / len(common) if common else None)


def _operations(nodes: Nodes) -> Mapping[tuple[object, object, object], object]:
    return {
        (node["level"], node["node"], edge["input"]): edge["operation"]
        for node in nodes
        for edge in cast(Nodes, node["edges"])
    }


def early_stop_of(plan: SearchPlan, *, patience: int) -> EarlyStop:
    """Find the epoch at which the rule stops a full search that has ended."""
    genotype = load_genotype(plan.genotype)
    settings = cast(Mapping[str, object], genotype.provenance["settings"])
    return stop_early(
        read_trace(plan.trace),
        genotype.search_space,
        warmup_epochs=cast(int, settings["warmup_epochs"]),
        patience=patience,
    )


def found_cells(settings: BenchmarkSettings) -> dict[str, dict[int, FoundCell]]:
    """Collect the cells by mode and training seed; searches without one yet are left out."""
    by_mode = {mode: _searched(settings, mode) for mode in settings.modes if mode in SEARCH_MODES}
    spaces = [cell.search_space for cells in by_mode.values() for cell in cells.values()]
    if "early_stop" in settings.modes:
        by_mode["early_stop"] = {
            seed: early_stop_of(
                settings.plan("full", seed), patience=settings.early_stop_patience
            ).genotype
            for seed in by_mode["full"]
        }
    if "random" in settings.modes and spaces:
        by_mode["random"] = {seed: random_genotype(spaces[0], seed) for seed in settings.seeds}
    return {
        mode: _by_training_seed(mode, cells, settings.seeds, searched=settings.seeds_of(mode))
        for mode, cells in by_mode.items()
    }


def _searched(settings: BenchmarkSettings, mode: str) -> dict[int, Genotype]:
    plans = [settings.plan(mode, seed) for seed in settings.seeds_of(mode)]
    return {plan.seed: load_genotype(plan.genotype) for plan in plans if plan.finished}


def _by_training_seed(
    mode: str, cells: Mapping[int, Genotype], seeds: Sequence[int], *, searched: Sequence[int]
) -> dict[int, FoundCell]:
    """Each seed's own cell, or the first search's where the mode is not searched with that seed."""
    sources = {seed: seed if seed in searched else searched[0] for seed in seeds}
    return {
        seed: FoundCell(mode, source, cells[source])
        for seed, source in sources.items()
        if source in cells
    }

"""The cell of every mode and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iac_components.search_space import Genotype, load_genotype, random_genotype
from studies.search_cost.searches.searches import SEARCH_MODES
from studies.search_cost.searches.settings import BenchmarkSettings

__all__ = [
    "FoundCell",
    "found_cells",
]


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


def found_cells(settings: BenchmarkSettings) -> dict[str, dict[int, FoundCell]]:
    """Collect the cells by mode and training seed; searches without one yet are left out."""
    by_mode = {mode: _searched(settings, mode) for mode in settings.modes if mode in SEARCH_MODES}
    spaces = [cell.search_space for cells in by_mode.values() for cell in cells.values()]
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

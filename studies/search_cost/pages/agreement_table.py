"""Table of how far found cells agree with those of the full-length searches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from studies.search_cost.pages.markdown import TITLES, markdown_table
from studies.search_cost.pages.raw_fields import Json, at
from studies.search_cost.searches.cells import agreement_of_nodes

__all__ = ["found_once", "render_agreement"]

Nodes = Sequence[Json]

_LEAD = (
    "## Agreement with the cell of a full-length search\n\n"
    "Every found cell once, with the seed of its search (of its draw, where it is random), against "
    "the full-length search of that seed; against every full-length search where none has that "
    "seed."
)


def found_once(cells: Json, mode: str) -> dict[int, Nodes]:
    """Return the cells of a mode by the seed of their search, each once."""
    return {
        int(cast(int, cell["search_seed"])): cast(Nodes, cell["genotype"])
        for cell in cast(Mapping[str, Json], cells.get(mode, {})).values()
    }


def render_agreement(record: Json) -> str:
    """Render the section; empty without two different searches to compare."""
    cells = at(record, "cells")
    rows = list(_rows(cells))
    header = ["cell", "its seed", "full length's seed", "kept edges in common"]
    header.append("of these, same operation")
    early = f" {TITLES['early_stop'].capitalize()} is the beginning of that very search."
    lead = _LEAD + early * ("early_stop" in cells)
    return f"{lead}\n\n{markdown_table(header, rows)}" if rows else ""


def _rows(cells: Json) -> Iterator[Sequence[str]]:
    full = found_once(cells, "full")
    for mode in cells:
        for seed, cell in found_once(cells, mode).items():
            if mode == "full":
                others = [other for other in full if other < seed]
            else:
                others = [seed] if seed in full else list(full)
            for other in others:
                found = agreement_of_nodes(cell, full[other])
                same = "-" if found.operations is None else f"{found.operations:.0%}"
                yield [TITLES[mode], str(seed), str(other), f"{found.edges:.0%}", same]

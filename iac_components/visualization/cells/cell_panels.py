"""Panels of a cell's picture: one for each cell, one for the levels without, one for those off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from iac_components.search_space import Genotype
from iac_components.visualization.cells.cell_layout import (
    DETAILED,
    PLAIN,
    CellLayout,
    lay_out_cell,
)
from iac_components.visualization.cells.final_cell import ChosenOperation, chosen_operations
from iac_components.visualization.colours import display_name
from iac_components.visualization.findings.recorded import RecordedFindings, RecordedPart
from iac_components.visualization.findings.words import interval_words, place_words

__all__ = ["NO_CELL", "OFF", "Panel", "edge_panels", "genotype_panels"]

NO_CELL = "no cell: the feature passes as it is"
SKIP_INPUTS = {"skip": "skip", "gate": "gate"}
OFF = "switched off: zeros take the skip's place"


@dataclass(frozen=True)
class Panel:
    """One cell, or levels that have none.

    Attributes:
        title: above it; empty with a single cell.
        layout: of the cell; None of levels without one.
        without: what is said of levels without a cell.
        inputs: names of the two inputs in print.
        notes: columns of lines below the title: each level's effect, and how it was decided.
        nodes: effects of the nodes by number.
        edges: effects of the edges.
    """

    title: str
    layout: CellLayout | None = None
    without: str = ""
    inputs: Mapping[str, str] = field(default_factory=lambda: dict(SKIP_INPUTS))
    notes: tuple[tuple[tuple[str, str], ...], ...] = ()
    nodes: Mapping[int, RecordedPart] = field(default_factory=dict)
    edges: Mapping[ChosenOperation, RecordedPart] = field(default_factory=dict)


def edge_panels(edges: Sequence[ChosenOperation]) -> list[Panel]:
    """Return a panel for each level of bare edges."""
    levels = sorted({edge.level for edge in edges})
    longest = max(len(edge.operation) for edge in edges)
    panels = []
    for level in levels:
        title = f"Skip level {level}" + (" (finest)" if level == 0 else "")
        mine = [edge for edge in edges if edge.level == level]
        layout = lay_out_cell(mine, longest_label=longest)
        panels.append(Panel(title if len(levels) > 1 else "", layout))
    return panels


def genotype_panels(genotype: Genotype, findings: RecordedFindings | None) -> list[Panel]:
    """Return the panels of a genotype."""
    space = genotype.search_space
    edges = chosen_operations(genotype)
    effects = _edge_effects(edges, findings)
    longest = max((_letters(edge, effects.get(edge)) for edge in edges), default=0)
    panels = []
    for row in sorted({edge.level for edge in edges}):
        mine = [edge for edge in edges if edge.level == row]
        layout = lay_out_cell(
            mine,
            longest_label=longest,
            num_nodes=space.num_nodes,
            sizes=DETAILED if findings else PLAIN,
        )
        panels.append(
            Panel(
                title=_title(genotype, row),
                layout=layout,
                inputs=_inputs(genotype, row),
                notes=_notes(genotype, row, findings),
                nodes=_node_effects(row, layout, findings),
                edges={edge: effects[edge] for edge in mine if edge in effects},
            )
        )
    return panels + _without(genotype)


def _edge_effects(
    edges: Sequence[ChosenOperation], findings: RecordedFindings | None
) -> dict[ChosenOperation, RecordedPart]:
    if findings is None:
        return {}
    found = {edge: findings.of_edge(edge.level, edge.node, edge.input) for edge in edges}
    return {edge: part for edge, part in found.items() if part is not None}


def _node_effects(
    row: int, layout: CellLayout, findings: RecordedFindings | None
) -> dict[int, RecordedPart]:
    if findings is None:
        return {}
    found = {node: findings.find("node", row, node) for node in range(len(layout.nodes))}
    return {node: part for node, part in found.items() if part is not None}


def _letters(edge: ChosenOperation, part: RecordedPart | None) -> int:
    words = [display_name(edge.operation), "" if part is None else interval_words(part.effect)]
    return max(map(len, words))


def _title(genotype: Genotype, row: int) -> str:
    space = genotype.search_space
    if space.levels > 1:
        finest = " (finest)" if row == 0 and "skips" in space.sites else ""
        return _capital(place_words(space, row)) + finest
    treated = genotype.no_cell or genotype.off
    if space.sites == ("skips",):
        return "The cell of all other skip levels" if treated else ""
    sites = ", ".join(space.sites[:-1]) + " and " * (len(space.sites) > 1) + space.sites[-1]
    return f"The cell of {'all other levels of ' * bool(treated)}{sites}"


def _inputs(genotype: Genotype, row: int) -> dict[str, str]:
    """Name the inputs of a cell; only at a skip are they the skip and the gate."""
    space = genotype.search_space
    place = place_words(space, row) if space.levels > 1 else "skip"
    if place == "bottleneck":
        return {"skip": "feature", "gate": "feature"}
    return {"skip": "feature" if place.startswith("decoder") else "skip", "gate": "gate"}


def _notes(
    genotype: Genotype, row: int, findings: RecordedFindings | None
) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return lines and decisions for the levels that have this cell, and for their skips."""
    if findings is None:
        return ()
    space = genotype.search_space
    columns = []
    for kind, words in (("cell", "cell at {}"), ("skip", "{} itself")):
        column = [
            (
                f"{words.format(place_words(space, part.level))}: {interval_words(part.effect)}",
                part.decided,
            )
            for part in findings.parts
            if part.kind == kind and (space.levels == 1 or part.level == row)
        ]
        columns.append(tuple(column))
    return tuple(columns)


def _without(genotype: Genotype) -> list[Panel]:
    """Return a panel of the levels without a cell, and one of those that are off."""
    space = genotype.search_space
    if space.levels > 1:
        treated = [genotype.treatment(level) for level in range(space.levels)]
        none = [level for level, treatment in enumerate(treated) if treatment == "none"]
        every = len(none) == space.levels
    else:
        none, every = list(genotype.no_cell), not genotype.nodes
    panels = []
    if every or none:
        kind = "skip levels" if space.sites == ("skips",) else "levels"
        rest = f"All {'other ' * bool(genotype.off)}{kind}"
        title = rest if every else _names(genotype, none)
        feature = SKIP_INPUTS if space.sites == ("skips",) else {"skip": "feature"}
        panels.append(Panel(title, without=NO_CELL, inputs=feature))
    if genotype.off:
        panels.append(Panel(_names(genotype, list(genotype.off)), without=OFF))
    return panels


def _names(genotype: Genotype, levels: Sequence[int]) -> str:
    space = genotype.search_space
    if space.sites == ("skips",):
        numbers = ", ".join(map(str, levels))
        return f"Skip level{'s' * (len(levels) > 1)} {numbers}"
    return _capital(", ".join(place_words(space, level) for level in levels))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

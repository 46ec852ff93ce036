"""Final cell of a search, as its pictures need it."""

from __future__ import annotations

from dataclasses import dataclass

from iac_components.search import SearchTrace
from iac_components.search_space import Genotype, SearchSpace, discretize

__all__ = ["ChosenOperation", "chosen_operations", "final_cell"]


@dataclass(frozen=True)
class ChosenOperation:
    """An edge of a discrete cell: ``operation`` on ``input``, into ``node`` at ``level``."""

    level: int
    node: int
    input: str
    operation: str


def chosen_operations(found: Genotype | SearchTrace) -> list[ChosenOperation]:
    """Return the edges of a cell, in order of level, node and edge.

    Args:
        found: the cell, or the trace of a search whose last epoch is then discretized.

    Raises:
        ValueError: if the trace is not that of a cell search.
    """
    cell = found if isinstance(found, Genotype) else final_cell(found)
    return [
        ChosenOperation(node.level, node.node, edge.input, edge.operation)
        for node in cell.nodes
        for edge in node.edges
    ]


def final_cell(trace: SearchTrace, genotype: Genotype | None = None) -> Genotype:
    """Return the cell that the search of a trace ended with.

    Args:
        trace: of a cell search.
        genotype: what the search wrote; if None, the last epoch of the trace is discretized.

    Raises:
        ValueError: if the trace is not that of a cell search, or the genotype of another space.
    """
    traced = trace.space
    # Dimensions and partial channels are in no trace, and in no picture.
    space = SearchSpace(
        2, operations=traced.operations, num_nodes=traced.num_nodes, levels=traced.levels
    )
    for edge in [edge for edge in traced.edges if edge not in space.edges][:1]:
        raise ValueError(
            f"column 'input' holds '{edge.input}' at node {edge.node}: not the trace of a cell "
            "search (for a DiNTS search: python -m iac_components.visualization dints)"
        )
    if genotype is None:
        probabilities, edge_weights = trace.last()
        return discretize(space, probabilities, edge_weights=edge_weights)
    for name in ("operations", "num_nodes", "levels"):
        theirs, ours = getattr(genotype.search_space, name), getattr(space, name)
        if set(theirs) != set(ours) if name == "operations" else theirs != ours:
            raise ValueError(
                f"the genotype has the search_space.{name} {theirs}, the trace {ours}: pass files "
                "of the same search"
            )
    return genotype

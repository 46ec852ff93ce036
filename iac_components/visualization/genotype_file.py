"""Reading the cell to draw from ``genotype.json``, as plain data.

The full check of a genotype belongs to the search space; here only what a picture needs is read,
because pictures are made from files alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iac_components.common.files import Fields
from iac_components.visualization.final_cell import ChosenOperation
from iac_components.visualization.json_content import read_content

__all__ = ["DrawnCell", "read_genotype_cell"]


@dataclass(frozen=True)
class DrawnCell:
    """The edges of a cell and the names of every operation it could have had (for colours)."""

    edges: tuple[ChosenOperation, ...]
    operations: tuple[str, ...]


def read_genotype_cell(path: str | Path) -> DrawnCell:
    """Read the kept edges of a genotype.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file and the field that is missing or of the wrong type.
    """
    return read_content(path, _parse, what="genotype; a search writes it as genotype.json")


def _parse(top: Fields) -> DrawnCell:
    operations = top.child("search_space").strings("operations")
    edges = tuple(
        ChosenOperation(
            node.integer("level"),
            node.integer("node"),
            edge.string("input"),
            edge.string("operation"),
        )
        for node in top.children("nodes")
        for edge in node.children("edges")
    )
    if not edges:
        raise ValueError("nodes must hold an edge at least: there is no cell to draw")
    return DrawnCell(edges, operations)

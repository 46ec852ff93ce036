"""Reading the cell to draw from ``genotype.json``, as plain data.

The full check of a genotype belongs to the search space; here only what a picture needs is read,
because pictures are made from files alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from iac_components.visualization.final_cell import ChosenOperation

__all__ = ["DrawnCell", "read_genotype_cell"]

Kind = TypeVar("Kind")


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
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such genotype; a search writes it as genotype.json")
    try:
        content: object = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a UTF-8 JSON file ({error})") from error
    space = _field(path, content, "search_space", dict)
    operations = _field(path, space, "operations", list, "search_space.")
    edges: list[ChosenOperation] = []
    for index, node in enumerate(_field(path, content, "nodes", list)):
        where = f"nodes[{index}]."
        level = _field(path, node, "level", int, where)
        number = _field(path, node, "node", int, where)
        for place, edge in enumerate(_field(path, node, "edges", list, where)):
            inside = f"{where}edges[{place}]."
            name = _field(path, edge, "input", str, inside)
            operation = _field(path, edge, "operation", str, inside)
            edges.append(ChosenOperation(level, number, name, operation))
    if not edges:
        raise ValueError(f"{path}: field 'nodes' holds no edge, so there is no cell to draw")
    return DrawnCell(tuple(edges), tuple(str(name) for name in operations))


def _field(path: str | Path, content: object, name: str, kind: type[Kind], where: str = "") -> Kind:
    value = content.get(name) if isinstance(content, dict) else None
    if not isinstance(value, kind):
        raise ValueError(f"{path}: field '{where}{name}' is missing or not a {kind.__name__}")
    return value

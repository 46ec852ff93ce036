"""``genotype.json``: the one file that hands a found cell from stage to stage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from iac_components.files import read_json, write_json
from iac_components.search_space.genotype import Genotype, GenotypeError, KeptEdge, NodeGenotype
from iac_components.search_space.space import CELL_INPUTS, SearchSpace

__all__ = ["SCHEMA_VERSION", "load_genotype", "parse_genotype", "save_genotype"]

SCHEMA_VERSION = 1
"""Version of the file format that this package writes, and the newest it reads."""

MAX_BYTES = 1_000_000
"""A genotype has a few kilobytes; anything far larger is another file or an attack."""


def save_genotype(genotype: Genotype, path: str | Path) -> None:
    """Write ``genotype`` as ``genotype.json``, atomically."""
    write_json(
        path,
        {
            "schema_version": SCHEMA_VERSION,
            **genotype.architecture(),
            "provenance": dict(genotype.provenance),
            "digest": genotype.digest,
        },
    )


def load_genotype(path: str | Path) -> Genotype:
    """Read and check a ``genotype.json``.

    Raises:
        GenotypeError: if the file is missing, too large, not JSON, of a future version, or has a
            field that is missing or wrong; the message names the file and the field.
    """
    try:
        return parse_genotype(read_json(path, max_bytes=MAX_BYTES))
    except ValueError as error:
        raise GenotypeError(f"Genotype '{path}': {error}") from error


def parse_genotype(content: object) -> Genotype:
    """Check JSON values and return the genotype they describe.

    Raises:
        GenotypeError: naming the first field that is missing, of the wrong type or inconsistent.
    """
    top = _mapping(content, "the file")
    version = _integer(top, "schema_version", "")
    if version != SCHEMA_VERSION:
        raise GenotypeError(
            f"schema_version is {version}, this package reads {SCHEMA_VERSION}. "
            "Upgrade iac_components or search again."
        )
    genotype = Genotype(
        search_space=_search_space(_mapping(_get(top, "search_space", ""), "search_space")),
        nodes=tuple(
            _node(_mapping(node, f"nodes[{i}]"), f"nodes[{i}]")
            for i, node in enumerate(_list(top, "nodes", ""))
        ),
        provenance=_mapping(top.get("provenance", {}), "provenance"),
    )
    if "digest" in top and top["digest"] != genotype.digest:
        raise GenotypeError(
            f"digest is {top['digest']!r}, but the cell's is '{genotype.digest}': the file was "
            "changed after the search. Remove the digest field to use it all the same."
        )
    return genotype


def _search_space(fields: Mapping[str, object]) -> SearchSpace:
    where = "search_space"
    if _strings(fields, "inputs", where) != CELL_INPUTS:
        raise GenotypeError(f"search_space.inputs must be {list(CELL_INPUTS)}.")
    try:
        return SearchSpace(
            spatial_dims=_integer(fields, "spatial_dims", where),
            operations=_strings(fields, "operations", where),
            num_nodes=_integer(fields, "num_nodes", where),
            channel_divisor=_integer(fields, "K", where),
            levels=_integer(fields, "levels", where),
        )
    except ValueError as error:
        raise GenotypeError(str(error)) from error


def _node(fields: Mapping[str, object], where: str) -> NodeGenotype:
    edges = [
        _mapping(edge, f"{where}.edges[{i}]")
        for i, edge in enumerate(_list(fields, "edges", where))
    ]
    return NodeGenotype(
        level=_integer(fields, "level", where),
        node=_integer(fields, "node", where),
        edges=tuple(
            KeptEdge(
                _string(edge, "input", f"{where}.edges[{i}]"),
                _string(edge, "operation", f"{where}.edges[{i}]"),
            )
            for i, edge in enumerate(edges)
        ),
    )


def _get(fields: Mapping[str, object], key: str, where: str) -> object:
    if key not in fields:
        raise GenotypeError(f"field '{_name(key, where)}' is missing.")
    return fields[key]


def _name(key: str, where: str) -> str:
    return f"{where}.{key}" if where else key


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise GenotypeError(f"{where} must be a JSON object, got {type(value).__name__}.")
    return value


def _list(fields: Mapping[str, object], key: str, where: str) -> list[object]:
    value = _get(fields, key, where)
    if not isinstance(value, list):
        raise GenotypeError(f"{_name(key, where)} must be a list, got {type(value).__name__}.")
    return value


def _integer(fields: Mapping[str, object], key: str, where: str) -> int:
    value = _get(fields, key, where)
    if not isinstance(value, int) or isinstance(value, bool):
        raise GenotypeError(f"{_name(key, where)} must be an integer, got {value!r}.")
    return value


def _string(fields: Mapping[str, object], key: str, where: str) -> str:
    value = _get(fields, key, where)
    if not isinstance(value, str):
        raise GenotypeError(f"{_name(key, where)} must be a string, got {value!r}.")
    return value


def _strings(fields: Mapping[str, object], key: str, where: str) -> tuple[str, ...]:
    values = _list(fields, key, where)
    return tuple(_string({key: value}, key, where) for value in values)

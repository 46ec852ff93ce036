"""``genotype.json``: the one file that hands a found cell from stage to stage."""

from __future__ import annotations

from pathlib import Path

from iac_components.common.files import Fields, read_json, write_json
from iac_components.search_space.genotype import Genotype, GenotypeError, KeptEdge, NodeGenotype
from iac_components.search_space.space import CELL_INPUTS, SearchSpace

__all__ = ["SCHEMA_VERSION", "load_genotype", "parse_genotype", "save_genotype"]

SCHEMA_VERSION = 2
"""Newest version of the file format. Version 1 is written still, where it can say all: it holds
every node of every level, and has no ``sites``, ``no_cell`` or ``off``."""

MAX_BYTES = 1_000_000
"""A genotype has a few kilobytes; anything far larger is another file or an attack."""


def save_genotype(genotype: Genotype, path: str | Path) -> None:
    """Write ``genotype`` as ``genotype.json``, atomically.

    Example:
        >>> iac.save_genotype(genotype, "genotype.json")
        >>> iac.load_genotype("genotype.json") == genotype
        True
    """
    write_json(
        path,
        {
            "schema_version": 1 if _fits_version_1(genotype) else SCHEMA_VERSION,
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

    Example:
        >>> iac.load_genotype("runs/search/genotype.json").search_space.num_nodes
        4
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
    top = Fields.of(content, error=GenotypeError)
    version = top.require_version(1, SCHEMA_VERSION)
    genotype = Genotype(
        search_space=_search_space(top.child("search_space")),
        nodes=tuple(_node(node) for node in top.children("nodes")),
        provenance=top.child("provenance").values if "provenance" in top.values else {},
        no_cell=top.integers("no_cell") if "no_cell" in top.values else (),
        off=top.integers("off") if "off" in top.values else (),
    )
    if version == 1 and not _fits_version_1(genotype):
        space = genotype.search_space
        raise GenotypeError(
            "nodes must hold each (level, node) once, and sites, no_cell and off be left out, "
            f"where schema_version is 1: search_space has {space.levels} level(s) of "
            f"{space.num_nodes} node(s), found {len(genotype.nodes)} node(s)."
        )
    top.require_digest(genotype.digest, of="cell")
    return genotype


def _fits_version_1(genotype: Genotype) -> bool:
    plain = genotype.search_space.sites == ("skips",)
    return genotype.is_whole and plain and not genotype.no_cell and not genotype.off


def _search_space(fields: Fields) -> SearchSpace:
    if fields.strings("inputs") != CELL_INPUTS:
        raise GenotypeError(f"search_space.inputs must be {list(CELL_INPUTS)}.")
    try:
        return SearchSpace(
            spatial_dims=fields.integer("spatial_dims"),
            operations=fields.strings("operations"),
            num_nodes=fields.integer("num_nodes"),
            channel_divisor=fields.integer("K"),
            levels=fields.integer("levels"),
            sites=fields.strings("sites") if "sites" in fields.values else ("skips",),
        )
    except ValueError as error:
        raise GenotypeError(str(error)) from error


def _node(fields: Fields) -> NodeGenotype:
    return NodeGenotype(
        level=fields.integer("level"),
        node=fields.integer("node"),
        edges=tuple(
            KeptEdge(edge.string("input"), edge.string("operation"))
            for edge in fields.children("edges")
        ),
    )

"""Genotype: the discrete cell that a search found, as plain checked data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from iac_components.search_space.space import CELL_INPUTS, NONE_OPERATION, SearchSpace

__all__ = ["TREATMENTS", "Genotype", "GenotypeError", "KeptEdge", "NodeGenotype", "Treatment"]

Treatment = Literal["cell", "none", "off"]
"""Fate of a level: it has a cell, its feature passes as it is, or its skip gives zeros."""

TREATMENTS: tuple[Treatment, ...] = get_args(Treatment)
"""All treatments; where numbers stand for them, they count from 0 in this order."""

_MOST = 1000
"""Levels, or nodes of a level, beyond which a file with few nodes is no genotype."""


class GenotypeError(ValueError):
    """A genotype that cannot be used; the message names the field at fault."""


@dataclass(frozen=True)
class KeptEdge:
    """An input that a node keeps, with the one operation applied to it."""

    input: str
    operation: str


@dataclass(frozen=True)
class NodeGenotype:
    """An intermediate node of the cell of one level, with the edges it keeps."""

    level: int
    node: int
    edges: tuple[KeptEdge, ...]


@dataclass(frozen=True)
class Genotype:
    """Found cell (or one a level), its search space and its provenance.

    Levels are numbered as the network's places for cells are: the skips, finest first, then the
    bottleneck, then the outputs of the decoder's blocks, finest first, as far as
    ``search_space.sites`` has them.

    Attributes:
        search_space: the space it was chosen from.
        nodes: the nodes that were kept, ordered by level and node, with the numbers they had.
        provenance: JSON values: dataset, backbone, seed, epochs, stop reason, versions.
        no_cell: levels that do without the cell that the others share. Separate cells have none:
            there a level without nodes has no cell.
        off: levels whose skip feature is replaced by zeros.

    Raises:
        GenotypeError: if a node is twice or of no level, an edge is not part of the space, is kept
            twice, comes from a later node or one that was not kept, its operation is not in the
            space or is ``none``, or a level is treated in two ways.

    Example:
        >>> first = genotype.nodes[0]
        >>> [edge.input for edge in first.edges]
        ['skip', 'gate']
    """

    search_space: SearchSpace
    nodes: tuple[NodeGenotype, ...]
    provenance: Mapping[str, object] = field(default_factory=dict)
    no_cell: tuple[int, ...] = ()
    off: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self._check_positions()
        present: dict[int, list[str]] = {}
        for position, node in enumerate(self.nodes):
            inputs = present.setdefault(node.level, list(CELL_INPUTS))
            self._check_node(node, f"nodes[{position}]", inputs)
            inputs.append(f"node_{node.node}")
        self._check_levels(present)

    @property
    def is_whole(self) -> bool:
        """True if every node of every level is there."""
        return len(self.nodes) == self.search_space.levels * self.search_space.num_nodes

    def _check_positions(self) -> None:
        space = self.search_space
        found = [(node.level, node.node) for node in self.nodes]
        fits = all(0 <= row < space.levels and 0 <= n < space.num_nodes for row, n in found)
        if not fits or found != sorted(set(found)):
            raise GenotypeError(
                f"nodes must hold each (level, node) at most once, in order: search_space has "
                f"{space.levels} level(s) of {space.num_nodes} node(s), found {found}."
            )
        if not self.is_whole and max(space.levels, space.num_nodes) > _MOST:
            raise GenotypeError(
                f"nodes must hold each (level, node): search_space claims {space.levels} level(s) "
                f"of {space.num_nodes} node(s), found {len(found)}."
            )

    def _check_node(self, node: NodeGenotype, where: str, inputs: Collection[str]) -> None:
        if not node.edges:
            raise GenotypeError(f"{where}.edges is empty: a node needs at least one input.")
        for position, edge in enumerate(node.edges):
            at = f"{where}.edges[{position}]"
            if edge.input not in inputs:
                raise GenotypeError(
                    f"{at}.input '{edge.input}' cannot feed node {node.node} (the source must "
                    f"come before its target, and be kept): choose from {list(inputs)}."
                )
            if edge.operation not in self.search_space.operations:
                raise GenotypeError(
                    f"{at}.operation '{edge.operation}' is not in search_space.operations "
                    f"{list(self.search_space.operations)}."
                )
            if edge.operation == NONE_OPERATION:
                raise GenotypeError(f"{at}.operation is 'none': such an edge is left out instead.")
            if edge.input in [other.input for other in node.edges[:position]]:
                raise GenotypeError(f"{at}.input '{edge.input}' is kept twice by the same node.")

    def _check_levels(self, with_nodes: Collection[int]) -> None:
        space = self.search_space
        most = space.levels if space.levels > 1 else _MOST
        for name, levels in (("no_cell", self.no_cell), ("off", self.off)):
            if list(levels) != sorted(set(levels)) or not all(0 <= n < most for n in levels):
                raise GenotypeError(
                    f"{name} must hold levels from 0 to {most - 1}, each once, in order, got "
                    f"{list(levels)}."
                )
        twice = sorted(set(self.no_cell) & set(self.off))
        if twice:
            raise GenotypeError(f"no_cell and off both hold level {twice[0]}: keep it in one.")
        if self.off and "skips" not in space.sites:
            raise GenotypeError(
                f"off must be empty with search_space.sites {list(space.sites)}: only skips can "
                f"be switched off, got {list(self.off)}."
            )
        if self.no_cell and (space.levels > 1 or not with_nodes):
            reason = "there is no cell" if space.levels == 1 else "levels have cells of their own"
            raise GenotypeError(
                f"no_cell must be empty where {reason}: a level without nodes has none, got "
                f"{list(self.no_cell)}."
            )
        both = sorted(set(self.off) & set(with_nodes)) if space.levels > 1 else []
        if both:
            raise GenotypeError(f"off holds level {both[0]}, for which there are nodes.")

    def treatment(self, level: int) -> Treatment:
        """Return the treatment of a level of the backbone.

        Raises:
            GenotypeError: if the genotype has several levels and not this one.
        """
        if level in self.off:
            return "off"
        return "cell" if self.nodes_of(level) else "none"

    def nodes_of(self, level: int) -> tuple[NodeGenotype, ...]:
        """Return the nodes for a level of the backbone; a shared genotype serves every level.

        There are none where the level has no cell.

        Raises:
            GenotypeError: if the genotype has several levels and not this one.
        """
        if self.search_space.levels == 1:
            return () if level in self.no_cell or level in self.off else self.nodes
        if not 0 <= level < self.search_space.levels:
            raise GenotypeError(
                f"search_space.levels is {self.search_space.levels}, but the backbone has a place "
                f"for a cell of level {level}: the genotype is for another backbone."
            )
        return tuple(node for node in self.nodes if node.level == level)

    @property
    def digest(self) -> str:
        """SHA-256 of the architecture alone: equal cells have equal digests."""
        canonical = json.dumps(self.architecture(), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(canonical.encode("utf-8")).hexdigest()

    def architecture(self) -> dict[str, object]:
        """Return the search space and the nodes as JSON values, without the provenance.

        Fields that say nothing new are left out, so that older genotypes keep their digest.
        """
        space = self.search_space
        sites = {} if space.sites == ("skips",) else {"sites": list(space.sites)}
        treated = {"no_cell": list(self.no_cell), "off": list(self.off)}
        return {
            "search_space": {
                "spatial_dims": space.spatial_dims,
                "operations": list(space.operations),
                "num_nodes": space.num_nodes,
                "K": space.channel_divisor,
                "levels": space.levels,
                "inputs": list(space.inputs_of(0)),
                **sites,
            },
            "nodes": [
                {
                    "level": node.level,
                    "node": node.node,
                    "edges": [{"input": e.input, "operation": e.operation} for e in node.edges],
                }
                for node in self.nodes
            ],
            **{name: levels for name, levels in treated.items() if levels},
        }

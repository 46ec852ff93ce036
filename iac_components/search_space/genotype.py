"""The genotype: the discrete cell that a search found, as plain checked data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from iac_components.search_space.space import NONE_OPERATION, SearchSpace

__all__ = ["Genotype", "GenotypeError", "KeptEdge", "NodeGenotype"]


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
    """A found cell (or one a level), its search space and where it came from.

    Attributes:
        search_space: the space it was chosen from.
        nodes: every node of every level, ordered by level and node.
        provenance: JSON values: dataset, backbone, seed, epochs, stop reason, versions.

    Raises:
        GenotypeError: if a node is missing or twice, an edge is not part of the space, is kept
            twice, comes from a later node, or its operation is not in the space or is ``none``.

    Example:
        >>> first = genotype.nodes[0]
        >>> [edge.input for edge in first.edges]
        ['skip', 'gate']
    """

    search_space: SearchSpace
    nodes: tuple[NodeGenotype, ...]
    provenance: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        space = self.search_space
        found = [(node.level, node.node) for node in self.nodes]
        # By arithmetic, not by listing: a file of a few bytes may claim a trillion nodes.
        expected = [divmod(index, space.num_nodes) for index in range(len(found))]
        if len(found) != space.levels * space.num_nodes or found != expected:
            raise GenotypeError(
                f"nodes must hold each (level, node) once, in order: search_space has "
                f"{space.levels} level(s) of {space.num_nodes} node(s), found {found}."
            )
        for position, node in enumerate(self.nodes):
            self._check_node(node, f"nodes[{position}]")

    def _check_node(self, node: NodeGenotype, where: str) -> None:
        inputs = self.search_space.inputs_of(node.node)
        if not node.edges:
            raise GenotypeError(f"{where}.edges is empty: a node needs at least one input.")
        for position, edge in enumerate(node.edges):
            at = f"{where}.edges[{position}]"
            if edge.input not in inputs:
                raise GenotypeError(
                    f"{at}.input '{edge.input}' cannot feed node {node.node} (the source must "
                    f"come before its target): choose from {list(inputs)}."
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

    def nodes_of(self, level: int) -> tuple[NodeGenotype, ...]:
        """The nodes for a skip level of the backbone; a shared genotype serves every level.

        Raises:
            GenotypeError: if the genotype has several levels and not this one.
        """
        if self.search_space.levels == 1:
            return self.nodes
        chosen = tuple(node for node in self.nodes if node.level == level)
        if not chosen:
            raise GenotypeError(
                f"search_space.levels is {self.search_space.levels}, but the backbone has a skip "
                f"connection of level {level}: the genotype is for another backbone."
            )
        return chosen

    @property
    def digest(self) -> str:
        """SHA-256 of the architecture alone: equal cells have equal digests."""
        canonical = json.dumps(self.architecture(), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(canonical.encode("utf-8")).hexdigest()

    def architecture(self) -> dict[str, object]:
        """The search space and the nodes as JSON values, without the provenance."""
        space = self.search_space
        return {
            "search_space": {
                "spatial_dims": space.spatial_dims,
                "operations": list(space.operations),
                "num_nodes": space.num_nodes,
                "K": space.channel_divisor,
                "levels": space.levels,
                "inputs": list(space.inputs_of(0)),
            },
            "nodes": [
                {
                    "level": node.level,
                    "node": node.node,
                    "edges": [{"input": e.input, "operation": e.operation} for e in node.edges],
                }
                for node in self.nodes
            ],
        }

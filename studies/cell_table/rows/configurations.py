"""The configurations of a table: which cells, at which levels. The list never changes its order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from iac_components.search_space import (
    NONE_OPERATION,
    Genotype,
    KeptEdge,
    NodeGenotype,
    SearchSpace,
    random_genotype,
)

__all__ = ["LEVELS", "Configuration", "configurations"]

LEVELS = 4
"""Skip connections of the backbone, finest first."""

RANDOM_CELLS = {1: 14, 2: 16, 3: 16, 4: 20}
"""Random cells by their number of nodes; twenty of the default four, as comparisons ask for."""


@dataclass(frozen=True)
class Configuration:
    """A cell, and the skip levels that get one.

    Attributes:
        name: unique in the table, and part of file names.
        kind: ``none``, ``uniform``, ``random`` or ``levels``.
        genotype: the cell; None for no cell at all.
        levels: for each skip level, finest first, whether it gets a cell.
    """

    name: str
    kind: str
    genotype: Genotype | None
    levels: tuple[bool, ...] = (True,) * LEVELS

    def describe(self) -> dict[str, object]:
        """Return the cell as JSON values: nodes, each with its ``[input, operation]`` pairs."""
        nodes = () if self.genotype is None else self.genotype.nodes
        return {
            "kind": self.kind,
            "nodes": [[[edge.input, edge.operation] for edge in node.edges] for node in nodes],
            "levels": list(self.levels),
        }


def configurations() -> tuple[Configuration, ...]:
    """Return the table's configurations, no two of them alike.

    Kinds take turns, so that a table cut off anywhere holds some of each.
    """
    none = Configuration("none", "none", None, (False,) * LEVELS)
    # What was drawn gives way to its twin that was made on purpose.
    queues = _without_twins([_uniform(), _level_patterns(), _random()])
    longest = max(len(queue) for queue in queues)
    # Each queue is spread over the whole list, the longer ones more densely.
    placed = [
        ((index + 0.5) / len(queue) * longest, rank, configuration)
        for rank, queue in enumerate(queues)
        for index, configuration in enumerate(queue)
    ]
    ordered = [configuration for _, _, configuration in sorted(placed, key=lambda p: p[:2])]
    return (none, *ordered)


def _uniform() -> Iterator[Configuration]:
    """One operation on every edge, or on the skip beside an identity of the gate."""
    operations = [name for name in SearchSpace(2).operations if name != NONE_OPERATION]
    for operation in operations:
        for nodes, gate in ((4, operation), (1, "skip_connect")):
            name = f"uniform-{operation}-{nodes}"
            yield Configuration(name, "uniform", _parallel(operation, gate, nodes))


def _random() -> Iterator[Configuration]:
    drawn = [
        Configuration(
            f"random-{nodes}-{seed:02d}",
            "random",
            random_genotype(SearchSpace(2, num_nodes=nodes), seed),
        )
        for nodes, count in RANDOM_CELLS.items()
        for seed in range(count)
    ]
    # By seed, so that numbers of nodes take turns.
    yield from sorted(drawn, key=lambda c: c.name.rpartition("-")[2])


def _level_patterns() -> Iterator[Configuration]:
    """Two cheap cells at some of the levels."""
    for pattern in product((True, False), repeat=LEVELS):
        if not any(pattern) or all(pattern):
            continue
        tag = "".join("x" if on else "o" for on in pattern)
        for operation in ("sep_conv_5x5", "skip_connect"):
            yield Configuration(
                f"levels-{operation}-{tag}",
                "levels",
                _parallel(operation, "skip_connect", 1),
                pattern,
            )


def _parallel(skip: str, gate: str, nodes: int) -> Genotype:
    """Nodes side by side, each of the skip and the gate."""
    edges = (KeptEdge("skip", skip), KeptEdge("gate", gate))
    space = SearchSpace(2, num_nodes=nodes)
    return Genotype(space, tuple(NodeGenotype(0, node, edges) for node in range(nodes)), {})


def _without_twins(queues: list[Iterator[Configuration]]) -> list[list[Configuration]]:
    seen = set()
    kept: list[list[Configuration]] = []
    for queue in queues:
        kept.append([])
        for configuration in queue:
            key = (configuration.genotype and configuration.genotype.digest, configuration.levels)
            if key not in seen:
                seen.add(key)
                kept[-1].append(configuration)
    return kept

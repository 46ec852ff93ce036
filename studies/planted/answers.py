"""Answer of a search to a planted task, and its comparison with the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from iac_components.search_space import Genotype
from studies.planted.tasks import PlantedTask

__all__ = ["Answer", "read_answer"]


@dataclass(frozen=True)
class Answer:
    """A found cell, read with the task in mind.

    Attributes:
        treatments: what became of each skip level: ``cell``, ``none`` or ``off``.
        skip: operation on the skip at the spoilt level; empty if there is none.
        gate: operation on the gate there; empty if there is none.
        right: whether the remedy was found, or no cell where none is needed.
        elsewhere: sound levels that got a cell of their own, of those that could do without.
    """

    treatments: tuple[str, ...]
    skip: str
    gate: str
    right: bool
    elsewhere: int

    def values(self) -> dict[str, object]:
        """Return the answer as JSON values."""
        return asdict(self)


def read_answer(genotype: Genotype, task: PlantedTask, *, levels: int) -> Answer:
    """Read what was found at the spoilt level.

    Args:
        genotype: of cells of one node.
        task: what was planted.
        levels: skip levels of the network.
    """
    treatments = tuple(genotype.treatment(level) for level in range(levels))
    cells = [level for level in range(levels) if treatments[level] == "cell"]
    kept: Mapping[str, str] = {}
    spoilt = next((level for level in task.levels if level in cells), None)
    if spoilt is not None:
        kept = {edge.input: edge.operation for edge in genotype.nodes_of(spoilt)[0].edges}
    skip, gate = kept.get("skip", ""), kept.get("gate", "")
    if not task.corruption:
        right = not cells
    elif task.remedy == "gate":
        right = bool(gate) and not skip
    else:
        right = skip == task.remedy
    sound = [level for level in cells if level not in task.levels] if task.separate else []
    return Answer(treatments, skip, gate, right, len(sound))

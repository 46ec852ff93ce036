"""Planted tasks: corrupted skips behind a frozen, trained encoder, and their remedy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from studies.cell_table.training.features import FeatureSet
from studies.planted.corruptions import CORRUPTIONS, DIRECTIONS, corruption

__all__ = ["EVERYWHERE", "PlantedTask", "corrupt", "planted_tasks"]

EVERYWHERE = (0, 1, 2, 3)


@dataclass(frozen=True)
class PlantedTask:
    """One corruption.

    Attributes:
        corruption: what is done to the skips; empty for the null task, in which nothing is.
        levels: the skip levels it is done to, finest first.
    """

    corruption: str
    levels: tuple[int, ...]

    @property
    def name(self) -> str:
        """Unique among the tasks."""
        return f"{self.corruption}-{''.join(map(str, self.levels))}" if self.corruption else "null"

    @property
    def separate(self) -> bool:
        """True if each level gets a cell of its own, since one level alone is corrupted."""
        return bool(self.corruption) and self.levels != EVERYWHERE

    @property
    def remedy(self) -> str:
        """Remedy of the corruption: a skip's operation, or ``gate``; empty for the null task."""
        return CORRUPTIONS[self.corruption][1] if self.corruption else ""


def planted_tasks() -> tuple[PlantedTask, ...]:
    """Return the planted tasks, in an order that mixes corruptions and places, and the null."""
    return (*_planted(), PlantedTask("", ()))


def _planted() -> Iterator[PlantedTask]:
    for levels in (EVERYWHERE, (0,)):
        for name in CORRUPTIONS:
            yield PlantedTask(name, levels)
    for direction in DIRECTIONS:
        yield PlantedTask(direction, (1,))


def corrupt(features: FeatureSet, task: PlantedTask) -> FeatureSet:
    """Spoil the skip features of encoded slices on their way into cells and decoder."""
    spoilt = tuple(
        corruption(task.corruption)(level) if number in task.levels else level
        for number, level in enumerate(features.features)
    )
    return replace(features, features=spoilt)

"""What is planted where: corrupted skips behind a frozen, trained encoder, and their remedy."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from iac_components.networks import skip_modules
from studies.planted.operations import DIRECTIONS, Roll

__all__ = ["PlantedTask", "corrupt", "planted_tasks"]

OPPOSITE = {"left": "right", "right": "left", "up": "down", "down": "up"}
PLACES: tuple[tuple[int, ...], ...] = ((0, 1, 2, 3), (0,), (1,), (2,), (3,))


@dataclass(frozen=True)
class PlantedTask:
    """One corruption.

    Attributes:
        name: unique among the tasks.
        direction: where the skips are rolled to; empty for the null task, in which nothing is.
        levels: the skip levels that are, finest first.
    """

    name: str
    direction: str
    levels: tuple[int, ...]

    @property
    def remedy(self) -> str:
        """The operation that undoes it; empty for the null task, whose answer is no cell."""
        return f"planted_roll_{OPPOSITE[self.direction]}" if self.direction else ""


def planted_tasks() -> tuple[PlantedTask, ...]:
    """Return twenty planted tasks, in an order that mixes directions and places, and the null."""
    planted = [
        PlantedTask(f"{direction}-{''.join(map(str, levels))}", direction, levels)
        for levels in PLACES
        for direction in DIRECTIONS
    ]
    return (*planted, PlantedTask("null", "", ()))


def corrupt(network: nn.Module, task: PlantedTask) -> None:
    """Roll the skip features of an implanted network on their way into cells and decoder."""
    if not task.direction:
        return
    roll = Roll(task.direction)

    def rolled(module: nn.Module, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        skip, *rest = features
        return (roll(skip), *rest)

    modules = skip_modules(network)
    for level in task.levels:
        modules[level].register_forward_pre_hook(rolled)

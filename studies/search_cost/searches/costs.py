"""Cost of a search up to its genotype, and the ratio of two costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from studies.measuring.clock import Seconds
from studies.search_cost.searches.epoch_log import EpochLog, EpochRecord

__all__ = ["Cost", "Ratio", "add", "cost_of", "mean_cost", "ratio"]

NOTHING = Seconds(0.0, 0.0)


@dataclass(frozen=True)
class Cost:
    """The price of a genotype or of a training, or the mean of several.

    Attributes:
        epochs: epochs that were run.
        steps: weight steps that were taken.
        running: seconds of the epochs.
        setup: seconds of building and of the checks before the first epoch.
        parts: seconds of each part of the epochs.
    """

    epochs: float = 0
    steps: float = 0
    running: Seconds = NOTHING
    setup: Seconds = NOTHING
    parts: Mapping[str, Seconds] = field(default_factory=dict)

    @property
    def total(self) -> Seconds:
        """Seconds of all of it."""
        return add([self.setup, self.running])

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "epochs": self.epochs,
            "steps": self.steps,
            "setup": _rounded(self.setup),
            "running": _rounded(self.running),
            "total": _rounded(self.total),
            "parts": {name: _rounded(spent) for name, spent in self.parts.items()},
        }


@dataclass(frozen=True)
class Ratio:
    """Ratio of a first cost to a second.

    Attributes:
        epochs: in epochs.
        steps: in weight steps.
        wall: in wall seconds, set-up included.
        cpu: in CPU seconds, set-up included.
    """

    epochs: float
    steps: float
    wall: float
    cpu: float


def add(seconds: Sequence[Seconds]) -> Seconds:
    """Both clocks' sums."""
    return Seconds(sum(one.wall for one in seconds), sum(one.cpu for one in seconds))


def cost_of(log: EpochLog, *, epochs: int | None = None) -> Cost:
    """Sum the cost of a run, or of its first ``epochs`` epochs; -1 leaves out the last one."""
    records: Sequence[EpochRecord] = log.epochs[:epochs]
    names = dict.fromkeys(name for record in records for name in record.parts)
    return Cost(
        epochs=len(records),
        steps=sum(record.steps for record in records),
        running=add([record.total for record in records]),
        setup=log.setup or NOTHING,
        parts={
            name: add([record.parts.get(name, NOTHING) for record in records]) for name in names
        },
    )


def mean_cost(costs: Sequence[Cost]) -> Cost:
    """Average over seeds.

    Raises:
        ValueError: if there is none.
    """
    if not costs:
        raise ValueError("there is no cost to take the mean of.")
    names = dict.fromkeys(name for cost in costs for name in cost.parts)
    share = 1 / len(costs)
    return Cost(
        epochs=sum(cost.epochs for cost in costs) * share,
        steps=sum(cost.steps for cost in costs) * share,
        running=_scaled(add([cost.running for cost in costs]), share),
        setup=_scaled(add([cost.setup for cost in costs]), share),
        parts={
            name: _scaled(add([cost.parts.get(name, NOTHING) for cost in costs]), share)
            for name in names
        },
    )


def ratio(cost: Cost, base: Cost) -> Ratio | None:
    """Divide one cost by another; None if the other is none."""
    if not (base.epochs and base.total.wall and base.total.cpu):
        return None
    return Ratio(
        epochs=cost.epochs / base.epochs,
        steps=cost.steps / base.steps,
        wall=cost.total.wall / base.total.wall,
        cpu=cost.total.cpu / base.total.cpu,
    )


def _scaled(seconds: Seconds, factor: float) -> Seconds:
    return Seconds(seconds.wall * factor, seconds.cpu * factor)


def _rounded(seconds: Seconds) -> dict[str, float]:
    return {name: round(value, 4) for name, value in seconds._asdict().items()}

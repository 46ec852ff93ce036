"""Losses and learning rates where experiment trackers look for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

import torch
from ignite.engine import Engine, Events

__all__ = ["EpochMetrics"]

_LOSS = "loss"


class EpochMetrics:
    """Put an epoch's mean losses and its learning rates into ``engine.state.metrics``.

    MONAI's TensorBoard and MLflow handlers write that mapping after each epoch. For the loss of a
    single step they look into a list, as decollating a batch makes one; MLflow's fails without it.
    The trainers here do not decollate (it costs time), so the step's output is put into a list as
    it is. Rates are those of ``engine.optimizer``, by group where these differ, and of a search's
    ``engine.architecture_optimizer``, as the epoch used them: attach it before what steps their
    schedules, after the handlers that read the output by name, and before the trackers. Each
    rank takes the mean of its own steps.

    Args:
        describe: returns further numbers to put there, by name; called once an epoch.
    """

    def __init__(self, describe: Callable[[], Mapping[str, float]] | None = None) -> None:
        self.describe = describe or (lambda: {})
        self._losses: dict[str, list[torch.Tensor]] = defaultdict(list)

    def attach(self, engine: Engine) -> None:
        """Listen to a trainer's run."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def _start(self, engine: Engine) -> None:
        self._losses.clear()

    def _collect(self, engine: Engine) -> None:
        output = engine.state.output
        for name, value in output.items():
            # Kept on their device: reading a value makes a GPU wait for the host.
            if name.endswith(_LOSS):
                self._losses[name].append(value.detach())
        engine.state.output = [output]

    def _write(self, engine: Engine) -> None:
        means = {name: float(torch.stack(kept).mean()) for name, kept in self._losses.items()}
        engine.state.metrics.update({**means, **_rates(engine), **self.describe()})


def _rates(engine: Engine) -> dict[str, float]:
    found: dict[str, float] = {}
    for owner in ("optimizer", "architecture_optimizer"):
        optimizer = getattr(engine, owner, None)
        if optimizer is None:
            continue
        rates = [float(group["lr"]) for group in optimizer.param_groups]
        name = owner.replace("optimizer", "learning_rate")
        ends = [""] if len(set(rates)) == 1 else [f"_{place}" for place in range(len(rates))]
        found |= {f"{name}{end}": rate for end, rate in zip(ends, rates, strict=False)}
    return found

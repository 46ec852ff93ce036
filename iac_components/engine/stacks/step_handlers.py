"""Handlers that every trainer here begins with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ignite.engine import Engine, Events
from torch import nn
from torch.utils.data import DataLoader

from iac_components.engine.epoch_metrics import EpochMetrics
from iac_components.engine.progress import RunProgress
from iac_components.engine.seeding import EpochSeeding
from iac_components.engine.steps.nonfinite import NonFiniteGuard
from iac_components.engine.steps.synchronized_gradients import SynchronizedGradients

__all__ = ["StepHandlers"]


class Attachable(Protocol):
    """A handler of several events."""

    def attach(self, engine: Engine) -> None:
        """Listen to an engine."""
        ...


class StepHandlers:
    """Seeds of each epoch, equal ranks, a guard against NaN, one progress bar, losses for trackers.

    Put it first in a trainer's list; each member says why in its own words. A supernet's bar also
    shows what its ``describe`` returns, and trackers are told how many of its operations live.

    Args:
        network: what is trained.
        loaders: every loader that feeds the trainer, its own among them.
        seed: of the run.
        patience: steps in a row with a loss that is not finite which end the run.
        bar: show the progress bar.
        before: called when the trainer starts, before all other handlers. A client that starts the
            trainer itself (MonaiAlgo) skips the config's ``run``, and with it the check of the data
            and the claim of the folders, unless they are made here.

    Attributes:
        handlers: the members, in the order in which they are attached.
    """

    def __init__(
        self,
        network: nn.Module,
        loaders: Sequence[DataLoader[Any]],
        *,
        seed: int = 0,
        patience: int = 5,
        bar: bool = True,
        before: Callable[[], None] | None = None,
    ) -> None:
        self.before = before
        searched = hasattr(network, "alive")
        self.handlers: list[Attachable] = [
            EpochSeeding(loaders, seed),
            SynchronizedGradients(network),
            NonFiniteGuard(patience),
            *([RunProgress(getattr(network, "describe", None))] if bar else []),
            EpochMetrics((lambda: _living(network)) if searched else None),
        ]

    def attach(self, engine: Engine) -> None:
        """Attach what comes before, then every member."""
        if self.before is not None:
            before = self.before
            engine.add_event_handler(Events.STARTED, lambda: before())
        for handler in self.handlers:
            handler.attach(engine)


def _living(network: nn.Module) -> Mapping[str, float]:
    return {"living_operations": int(network.alive.sum())}  # type: ignore[operator]

"""Learning rates of a trainer that a client runs again and again."""

from __future__ import annotations

import copy

from ignite.engine import Engine, Events
from torch.optim.lr_scheduler import LRScheduler

__all__ = ["RoundRates"]


class RoundRates:
    """Restart a schedule whenever the trainer is run again.

    MonaiAlgo, the client of NVFlare, trains round after round with one trainer, and gives the
    schedule the length of a round. Left alone, a cosine would reach zero at the end of the first
    and climb back in the second: with rounds of one epoch, every other one would train at a rate
    of zero.

    Args:
        scheduler: as its config made it, not stepped yet.
    """

    def __init__(self, scheduler: LRScheduler) -> None:
        self.scheduler = scheduler
        self._start = copy.deepcopy(scheduler.state_dict())
        self._rates = [group["lr"] for group in scheduler.optimizer.param_groups]
        self._has_run = False

    def attach(self, engine: Engine) -> None:
        """Listen to the start of each run of the trainer."""
        engine.add_event_handler(Events.STARTED, self.begin)

    def begin(self, engine: Engine) -> None:
        """Put schedule and rates back to their start, unless this is the first run."""
        if self._has_run:
            self.scheduler.load_state_dict(copy.deepcopy(self._start))
            for group, rate in zip(self.scheduler.optimizer.param_groups, self._rates, strict=True):
                group["lr"] = rate
        self._has_run = True

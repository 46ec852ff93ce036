"""A progress bar over a whole run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NoReturn

import torch
from ignite.engine import Engine, Events

from iac_components.common.progress_bars import progress_bar, redraws
from iac_components.common.ranks import is_first_rank

__all__ = ["RunProgress"]

if TYPE_CHECKING:
    from tqdm.auto import tqdm


class RunProgress:
    """Show epoch, loss, time left and other requested values, in one bar for all epochs.

    Of several ranks the first shows it. Where standard error is no terminal, as in a cluster's log,
    it is a line a minute.

    The time left counts every epoch up to ``max_epochs``: a search that is decided sooner ends
    sooner.

    Args:
        describe: returns further items to show, by name; called once an epoch.
    """

    def __init__(self, describe: Callable[[], Mapping[str, object]] | None = None) -> None:
        self.describe = describe or (lambda: {})
        self._bar: tqdm[NoReturn] | None = None
        self._loss: torch.Tensor | None = None
        self._extra: Mapping[str, object] = {}

    def attach(self, engine: Engine) -> None:
        """Listen to a trainer's run."""
        # Not at the start of the run: a checkpoint that is attached later sets the epoch there.
        engine.add_event_handler(Events.EPOCH_STARTED, self._open)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._advance)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._refresh)
        engine.add_event_handler(Events.TERMINATE, self._close)
        engine.add_event_handler(Events.COMPLETED, self._close)
        engine.add_event_handler(Events.EXCEPTION_RAISED, self._fail)

    def _open(self, engine: Engine) -> None:
        if self._bar is not None or not is_first_rank():
            return
        length = engine.state.epoch_length
        self._extra = self.describe()
        self._bar = progress_bar(
            total=engine.state.max_epochs * length,
            initial=(engine.state.epoch - 1) * length,
            unit="step",
        )

    def _advance(self, engine: Engine) -> None:
        if self._bar is None:
            return
        self._loss = engine.state.output["loss"].detach()
        # Only when the bar redraws: reading the loss makes a GPU wait for the host.
        if time.time() - self._bar.last_print_t >= self._bar.mininterval:
            self._label(engine)
        self._bar.update(1)

    def _refresh(self, engine: Engine) -> None:
        if self._bar is not None:
            self._extra = self.describe()
            self._label(engine)
            if redraws():
                self._bar.refresh()

    def _label(self, engine: Engine) -> None:
        if self._bar is not None and self._loss is not None:
            self._bar.set_description(
                f"epoch {engine.state.epoch}/{engine.state.max_epochs}", refresh=False
            )
            self._bar.set_postfix(
                {"loss": f"{float(self._loss):.4f}", **self._extra}, refresh=False
            )

    def _close(self, engine: Engine) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _fail(self, engine: Engine, error: BaseException) -> None:
        self._close(engine)
        raise error

"""Runs that SIGINT and SIGTERM end after the running step, so that they can be resumed."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import ignite.distributed as idist
from ignite.engine import Engine, Events
from monai.engines import Trainer

from iac_components.common.console.signals import NotedSignal, signals_noted
from iac_components.common.ranks import is_first_rank, largest
from iac_components.engine.steps.mixed_precision import use_bfloat16_on_cpu

__all__ = ["RESUME_FROM", "is_abandoned", "run_until_signal", "until_signal"]

RESUME_FROM = "resume_from"
"""Attribute of the engine's state: the checkpoint that was written for the interruption."""

_ENDED_WORKER = re.compile(
    r"DataLoader worker \(pid\S* [\d, ]+\) (is killed by signal|exited unexp)"
)

_AFTER_TRAINING = "after the last step: start it again with --resume True to write what is missing."
_AFTER_CASES = "after the last case: what was written is whole."


def run_until_signal(engine: Engine, validators: Sequence[Engine] = ()) -> None:
    """Run an engine to its end, or until SIGINT or SIGTERM and the end of the current step.

    A trainer ends after the step, an evaluator after the case; the events TERMINATE and not
    COMPLETED are fired. The epoch at work is given up: a resume repeats it, and finds what an
    uninterrupted run would have found. A signal in the last step of an epoch lets the epoch end.
    Ranks end after the same step, whichever of them got the signal. Engines with ``amp`` on a CPU
    compute in bfloat16.

    Args:
        engine: a trainer or an evaluator.
        validators: evaluators that the trainer runs; they end after the case at work.

    Raises:
        KeyboardInterrupt: after SIGINT, in a program other than MONAI's command.
        SystemExit: after a signal otherwise; 130 for SIGINT and 143 for SIGTERM.
    """
    for each in (engine, *validators):
        use_bfloat16_on_cpu(each)
    training = isinstance(engine, Trainer)
    if training:
        with suppress(TypeError):
            # Reads all volumes now: that may take long, and a signal then need not wait for a step.
            len(engine.data_loader)
    with signals_noted(_AFTER_TRAINING if training else _AFTER_CASES) as noted, ExitStack() as ends:
        for event, runner in _stops(engine, validators):
            handle = runner.add_event_handler(event, _stop, noted, engine)
            ends.callback(handle.remove)
        try:
            engine.run()
            if training:
                noted.number = largest(noted.number)
        except (RuntimeError, EOFError, ConnectionError) as error:
            if noted and _is_of_ended_worker(error):
                # Sent to the whole group of processes, the signal ends those that load data.
                _give_up(engine)
            # One of several ranks may have left while this one waited for it.
            elif not noted or idist.get_world_size() == 1:
                raise
        if noted and is_first_rank():
            print(f"\n{_last_line(engine, noted.number)}", file=sys.stderr, flush=True)


class _Ended(Exception):  # noqa: N818
    """The end of a block at a signal."""


@contextmanager
def until_signal(kept: str) -> Iterator[Callable[[], None]]:
    """Run a block of steps that no engine runs, until SIGINT or SIGTERM.

    Args:
        kept: what is left of the work then, for the last line.

    Yields:
        A function to be called between steps, which ends the block once a signal came.

    Raises:
        KeyboardInterrupt: after SIGINT, in a program other than a command.
        SystemExit: after a signal otherwise; 130 for SIGINT and 143 for SIGTERM.
    """
    with signals_noted(f"after the last step: {kept}") as noted:

        def stop() -> None:
            if noted:
                raise _Ended

        try:
            yield stop
        except _Ended:
            name = signal.Signals(noted.number).name
            print(f"\nEnded by {name}: {kept}", file=sys.stderr, flush=True)


def is_abandoned(engine: Engine) -> bool:
    """Return True if the current epoch was aborted, so that it must not be saved."""
    return bool(engine.should_terminate == "skip_completed")


def _stops(engine: Engine, validators: Sequence[Engine]) -> list[tuple[Events, Engine]]:
    """List the moments at which an engine may end."""
    if not isinstance(engine, Trainer):
        return [(Events.ITERATION_COMPLETED, engine)]
    own = [(Events.ITERATION_COMPLETED, engine), (Events.EPOCH_COMPLETED, engine)]
    # Ranks validate a different number of cases each, and would wait for one that has ended.
    inner = [] if idist.get_world_size() > 1 else validators
    return own + [(Events.ITERATION_COMPLETED, validator) for validator in inner]


def _stop(runner: Engine, noted: NotedSignal, engine: Engine) -> None:
    if not isinstance(runner, Trainer):
        number = noted.number
    elif _last_step(runner) and runner.last_event_name == Events.ITERATION_COMPLETED:
        return
    else:
        number = noted.number = largest(noted.number)
    if number:
        for ending in dict.fromkeys((runner, engine)):
            ending.terminate(skip_completed=True)


def _is_of_ended_worker(error: Exception) -> bool:
    """Recognize torch's news of a worker's end, or of a broken connection to one."""
    return not isinstance(error, RuntimeError) or bool(_ENDED_WORKER.search(str(error)))


def _give_up(engine: Engine) -> None:
    """End a run that an error has stopped as if it had ended after a step."""
    # torch's handler would raise for the next worker that ended, wherever the run is by then.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    engine.terminate(skip_completed=True)
    engine.fire_event(Events.TERMINATE)


def _last_step(engine: Engine) -> bool:
    return bool(engine.state.iteration % engine.state.epoch_length == 0)


def _last_line(engine: Engine, number: int) -> str:
    name = signal.Signals(number).name
    state = engine.state
    if not isinstance(engine, Trainer):
        return (
            f"Ended by {name} after case {state.iteration} of {state.epoch_length}: what was "
            "written is whole. Start it again for the rest."
        )
    if not is_abandoned(engine):
        return f"Ended by {name} {_AFTER_TRAINING}"
    path = getattr(state, RESUME_FROM, None)
    where = f"Ended by {name} in epoch {state.epoch} of {state.max_epochs}"
    if path is None:
        return f"{where}: nothing was saved, for the run has no checkpoints."
    return f"{where}: saved '{path}'. Start it again with --resume True to continue after it."

"""SIGINT and SIGTERM: recorded while an engine runs, the end of the command at other times."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

__all__ = ["NotedSignal", "end_command_on_signals", "signals_noted"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_Handler = Callable[[int, FrameType | None], object]


class NotedSignal:
    """First SIGINT or SIGTERM during the block."""

    def __init__(self) -> None:
        self.number = 0

    def __bool__(self) -> bool:
        """Return True once a signal came."""
        return self.number != 0


class _Command:
    """State of this process as ``python -m monai.bundle run``."""

    def __init__(self) -> None:
        self.running = False
        self.ending = False
        self.done = "before the first step: nothing was begun, nothing is lost."


_COMMAND = _Command()


def end_command_on_signals() -> None:
    """End this process with one line and status 130 or 143 at SIGINT or SIGTERM.

    For a process that is a command of its own: it stays so until the process ends. Signals that
    are ignored (``nohup``) stay ignored. Outside the main thread, where Python allows no handler,
    nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    _COMMAND.running = True
    _COMMAND.ending = False
    for number in _SIGNALS:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, _in_this_process(_end))


@contextmanager
def signals_noted(done: str) -> Iterator[NotedSignal]:
    """Record the first signal while the block runs, and end the process only after it.

    A second one ends the process at once, unless it is one of several ranks: there the first may
    be the terminal's to all processes, and the second ``torchrun``'s about the same event.

    The handlers that were there before are put back. Then a program of which the run is only a part
    gets the signal as if it came now; a command ends with 128 + the signal's number.

    Args:
        done: what a signal after the block means, for a command's last line.

    Yields:
        The signal, which is false until one comes. It never comes outside the main thread.

    Raises:
        KeyboardInterrupt: after SIGINT, in a program that has Python's own handler.
        SystemExit: after SIGINT or SIGTERM otherwise.
    """
    noted = NotedSignal()
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    replaced = {n: h for n, h in before.items() if h not in (signal.SIG_IGN, None)}

    def restore() -> None:
        for number, handler in replaced.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        if not noted:
            noted.number = number
        elif not _has_agent():
            restore()
            if _COMMAND.running:
                _leave_at_once(number)
            signal.raise_signal(number)

    for number in replaced:
        signal.signal(number, _in_this_process(note))
    try:
        yield noted
    finally:
        restore()
    _COMMAND.done = done
    if noted:
        _deliver(noted.number, before[signal.Signals(noted.number)])


def _deliver(number: int, handler: object) -> NoReturn:
    """End the process, or pass the signal to the program around the run."""
    if not _COMMAND.running and callable(handler):
        signal.raise_signal(number)
    raise SystemExit(128 + number)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    if _COMMAND.ending:
        _leave_at_once(number)
    _COMMAND.ending = True
    _say(f"Ended by {signal.Signals(number).name} {_COMMAND.done}")
    raise SystemExit(128 + number)


def _leave_at_once(number: int) -> NoReturn:
    """End without any further Python code, which may take long or catch an exception."""
    _say(f"Ended at once by a second signal ({signal.Signals(number).name}).")
    os._exit(128 + number)


def _say(text: str) -> None:
    # Not print: a signal may come while the same stream is being written to.
    os.write(2, f"\n{text}\n".encode())


def _has_agent() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ


def _in_this_process(handler: _Handler) -> _Handler:
    """Keep ``handler`` to the process that installed it: forked workers inherit it."""
    owner = os.getpid()

    def handle(number: int, frame: FrameType | None) -> None:
        if os.getpid() == owner:
            handler(number, frame)
        elif number == signal.SIGTERM:
            os._exit(128 + number)
        # At the terminal's SIGINT to all processes, workers serve the run until it ends them.

    return handle

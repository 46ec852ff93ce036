"""Process of a stage: printed, started, and forwarded signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from iac_components.interface.running.errors import StageError
from iac_components.interface.running.stages import Stage

__all__ = ["handed_on", "run_stage"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_stage(stage: Stage) -> None:
    """Print a stage's command, then run it with this process's output.

    SIGINT and SIGTERM are handed on to it once, and it ends in its own way (a training saves its
    last whole epoch).

    Raises:
        StageError: if it fails or is stopped.
    """
    print(f"\n$ {stage.line()}\n", flush=True)
    # MONAI says of every config that it runs what stands in it; all else is to be seen.
    environment = {"PYTHONWARNINGS": "ignore:parsing config_file", **os.environ}
    # A group of its own: a terminal's Ctrl-C would else reach it twice, which ends it at once.
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, *stage.words()], env=environment, start_new_session=True
    )
    with handed_on([process]):
        status = process.wait()
    if status:
        status = 128 - status if status < 0 else status
        raise StageError(
            f"Stage '{stage.name}' ended with exit status {status}. Finished stages are "
            "kept: the same command continues from here.",
            status,
        )


@contextmanager
def handed_on(processes: Sequence[subprocess.Popen[bytes]]) -> Iterator[list[int]]:
    """Forward signals to the processes of a list; ignored ones (``nohup``) stay ignored.

    Yields:
        The signals that came, for what is not started yet.
    """
    received: list[int] = []

    def send(number: int, frame: FrameType | None) -> None:
        received.append(number)
        for process in processes:
            process.send_signal(number)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    heard = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, send)
    try:
        yield received
    finally:
        for number in heard:
            signal.signal(number, before[number])

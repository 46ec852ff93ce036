"""Folds side by side, a process a device."""

from __future__ import annotations

import queue
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

from iac_components.common.files import require_writable_directory
from iac_components.interface.running.errors import StageError
from iac_components.interface.running.folds.stages import fold_folder
from iac_components.interface.running.process import handed_on

__all__ = ["run_folds_in_parallel"]

LOG = "run.log"


def run_folds_in_parallel(
    command: Sequence[str],
    overrides: Sequence[str],
    folds: Sequence[int],
    devices: Sequence[str],
    *,
    out: Path,
) -> None:
    """Run each fold as a command of its own; what it prints goes into its ``run.log``.

    Args:
        command: the words of ``iac run`` without folds, devices and ``--set``.
        overrides: the words after ``--set``.
        folds: to run, in their order, each on the next free device.
        devices: such as ``cuda:0``.
        out: folder of the whole run.

    SIGINT and SIGTERM end the running folds and keep the others from starting.

    Raises:
        StageError: if a fold fails, once the others are finished, or at a signal.
    """
    free: queue.Queue[str] = queue.Queue()
    for device in devices:
        free.put(device)
    running: list[subprocess.Popen[bytes]] = []

    def run(fold: int, received: Sequence[int]) -> int:
        device = free.get()
        if received:
            free.put(device)
            return 128 + received[0]
        log = require_writable_directory(fold_folder(out, fold)) / LOG
        print(f"Fold {fold} on {device}: {log}", flush=True)
        words = [*command, "--folds", str(fold), "--set", *overrides, f"device={device}"]
        with log.open("ab") as stream:
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "iac_components", *words],
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            running.append(process)
            if received:  # between the look above and the list
                process.send_signal(received[0])
            status = process.wait()
        free.put(device)
        return 128 - status if status < 0 else status

    with handed_on(running) as received, ThreadPoolExecutor(len(devices)) as pool:
        statuses = dict(zip(folds, pool.map(run, folds, repeat(received)), strict=True))
    for fold, status in statuses.items():
        if status:
            raise StageError(
                f"Fold {fold} ended with exit status {status}; what it printed is in "
                f"'{fold_folder(out, fold) / LOG}'. Finished stages are kept: the same command "
                "continues from here.",
                status,
            )

"""One search step by one process and by two, each with its share of the batch."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import cast

import ignite.distributed as idist

from iac_components.common.files import write_json
from iac_components.common.ranks import is_first_rank, join_ranks, leave_ranks
from iac_components.engine import SynchronizedGradients
from studies.measuring.children import environment_of_children
from studies.measuring.clock import Seconds
from studies.measuring.rounds import compare, summary, time_rounds
from studies.search_cost.steps.growth import Point, build_network, build_step, noise

__all__ = ["launch", "measure_ranks", "run_rank"]

RANKS = (1, 2)


def measure_ranks(script: Path, point: Point, *, rounds: int, repeats: int) -> dict[str, object]:
    """Let one process and two take turns, each started by torchrun and with one thread.

    Args:
        script: a program that calls :func:`run_rank` with the point and the file it is given as
            ``--rank_job FILE --point JSON --repeats N``.
        point: its batch is divided among the processes.
        rounds: how often either is started.
        repeats: steps that count of each start.

    Raises:
        ValueError: if the batch cannot be divided.
        RuntimeError: if a process fails.
    """
    if point.batch_size % max(RANKS):
        raise ValueError(f"a batch of {point.batch_size} cannot be divided by {max(RANKS)}.")
    times: dict[int, list[Seconds]] = {ranks: [] for ranks in RANKS}
    for _ in range(rounds):
        for ranks in RANKS:
            times[ranks] += launch(script, point, ranks=ranks, repeats=repeats)
    return {
        "point": asdict(point),
        "seconds": {str(ranks): summary(values) for ranks, values in times.items()},
        "one_over_two": compare([(times[1], times[2])]),
    }


def run_rank(out: Path, point: Point, *, repeats: int) -> None:
    """Be one of torchrun's processes; the first writes the times of its steps to ``out``."""
    join_ranks()
    share = replace(point, batch_size=point.batch_size // idist.get_world_size())
    network = build_network(share)
    device = next(network.parameters()).device
    step, _ = build_step(network, handlers=[SynchronizedGradients(network)])
    runs = {"step": partial(step, *noise(share, device))}
    times = time_rounds(runs, repeats=repeats, device=device)["step"]
    if is_first_rank():
        write_json(out, {"seconds": times})
    leave_ranks()


def launch(script: Path, point: Point, *, ranks: int, repeats: int) -> Sequence[Seconds]:
    """Start ``script`` in ``ranks`` processes, and return the times of the first one's steps.

    Raises:
        RuntimeError: if a process fails; with its first words about an error.
    """
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "seconds.json"
        options = ["--rank_job", out, "--point", json.dumps(asdict(point)), "--repeats", repeats]
        job = [f"--nproc_per_node={ranks}", script, *options]
        done = subprocess.run(  # noqa: S603
            [*torchrun, *map(str, job)],
            env=environment_of_children(OMP_NUM_THREADS="1"),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            words = [line for line in done.stderr.splitlines() if "Error: " in line]
            first = words[0] if words else f"exit status {done.returncode}"
            raise RuntimeError(f"{ranks} processes: {first}")
        record = cast("dict[str, list[list[float]]]", json.loads(out.read_text(encoding="utf-8")))
    return [Seconds(*seconds) for seconds in record["seconds"]]

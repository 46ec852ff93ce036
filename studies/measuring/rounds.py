"""Times of things that take turns in one process, and their ratios."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import torch

from studies.measuring.clock import Seconds, now, since
from studies.measuring.records import spread

__all__ = ["compare", "summary", "time_rounds"]

Name = TypeVar("Name")


def time_rounds(
    runs: Mapping[Name, Callable[[], object]], *, repeats: int, device: torch.device
) -> dict[Name, list[Seconds]]:
    """Time each run once a round, after a round that does not count.

    Every other round goes backwards, so that a machine that slows down favours none.

    Args:
        runs: what to time.
        repeats: rounds that count.
        device: where the work is done; a CUDA device is waited for.

    Returns:
        ``repeats`` times for each run.
    """
    times: dict[Name, list[Seconds]] = {name: [] for name in runs}
    for number in range(repeats + 1):
        order = list(runs) if number % 2 else list(reversed(list(runs)))
        for name in order:
            start = now(device)
            runs[name]()
            spent = since(start, device)
            if number:
                times[name].append(spent)
    return times


def summary(times: Sequence[Seconds]) -> dict[str, object]:
    """Summarise the spread of wall and CPU seconds."""
    return {kind: spread([getattr(t, kind) for t in times]) for kind in Seconds._fields}


def compare(
    pairs: Sequence[tuple[Sequence[Seconds], Sequence[Seconds]]],
) -> dict[str, dict[str, float]]:
    """Ratios of one side's times to the other's, over one or several jobs that both did.

    Args:
        pairs: for each job (a volume, say), the times of the one side and of the other, of which
            those at the same place were taken one after the other.

    Returns:
        For wall and for CPU seconds: the ratio of the sums of the jobs' minima, that of their
        medians, and the median over all pairs.
    """
    result = {}
    for kind in Seconds._fields:
        jobs = [[[getattr(t, kind) for t in side] for side in pair] for pair in pairs]
        result[kind] = {
            "ratio_of_minima": sum(min(a) for a, _ in jobs) / sum(min(b) for _, b in jobs),
            "ratio_of_medians": sum(statistics.median(a) for a, _ in jobs)
            / sum(statistics.median(b) for _, b in jobs),
            "median_of_pairs": statistics.median(
                x / y for a, b in jobs for x, y in zip(a, b, strict=True)
            ),
        }
    return result

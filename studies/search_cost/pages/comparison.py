"""Comparison of our measurements with the paper's figures and with plain code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from studies.search_cost.pages.raw_fields import (
    POINTS,
    Json,
    against_full,
    number,
    our_steps,
    ratios,
    records,
)

__all__ = ["render_comparison"]

HEAD = (
    "| | IAC-LTH (arXiv 2604.14849), as its authors state | public PC-DARTS-style code, as "
    "`reference` runs it here | here, measured |\n| --- | --- | --- | --- |"
)


def render_comparison(
    searches: Mapping[str, Json], *, from_scratch: Mapping[str, Json], step: Json, memory: Json
) -> str:
    """Render the comparison as a Markdown table; what was not measured has no row.

    Args:
        searches: records of ``studies.search_cost.search`` by bundle.
        from_scratch: those whose networks were trained from random weights.
        step: the record of ``studies.search_cost.step``.
        memory: the record of ``studies.search_cost.memory``.
    """
    steps = list(our_steps(step))
    faster = [number(case, "yardstick_over_case", "cpu", "median") for _, case in steps]
    kept = [
        number(setting, "yardstick_saved_bytes", "weight_step")
        / number(case, "saved_bytes", "weight_step")
        for setting, case in steps
    ]
    dice = [*_dice(searches.values()), *_dice(from_scratch.values())]
    rows = (
        (
            "full-length search against pruned",
            "3.7 to 16 times, in wall-clock",
            "nothing pruned",
            _times(_ratios(searches, "full")),
        ),
        (
            "plain search of full length against pruned",
            "not stated",
            "1",
            _times(_ratios(searches, "reference")),
        ),
        ("plain search step against ours, same operations", "not stated", "1", _times(faster)),
        ("kept for a backward pass, plain against ours", "not stated", "1", _times(kept)),
        ("peak of a search step, plain against ours", "not stated", "1", _times(_peaks(memory))),
        (
            "Dice of the pruned search's cell less the full one's",
            "level",
            "nothing pruned",
            f"{min(dice):+.2f} to {max(dice):+.2f} points" if dice else "",
        ),
    )
    return "\n".join([HEAD, *(f"| {' | '.join(row)} |" for row in rows if row[-1])])


def _ratios(searches: Mapping[str, Json], mode: str) -> list[float]:
    """List the ratios of ``mode``'s processor time to the pruned search's."""
    return [
        number(found, "cpu")
        for record in searches.values()
        for found in ratios(record, mode, "pruned")
    ]


def _peaks(memory: Json) -> list[float]:
    """List the ratios of the yardstick's peak to our search's."""
    peaks: dict[object, dict[object, float]] = {}
    for record in records(memory, "records"):
        peaks.setdefault(record["subject"], {})[record["case"]] = number(record, "peak_bytes")
    both = {"yardstick", "search"}
    return [by["yardstick"] / by["search"] for by in peaks.values() if both <= by.keys()]


def _dice(found: Iterable[Json]) -> list[float]:
    """Points of the pruned search's cell above the full one's."""
    return [
        POINTS * number(one, "paired", "mean_difference")
        for record in found
        for one in against_full(record)
    ]


def _times(values: Sequence[float]) -> str:
    """Format the least and the largest of some ratios."""
    if not values:
        return ""
    digits = 1 if min(values) > 10 else 2
    return f"{min(values):.{digits}f} to {max(values):.{digits}f} times"

"""Tables of the page of benchmarks, each from the record of one tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import cast

from iac_components.common.pages.markdown_table import markdown_table
from studies.measuring.records import mebibytes
from studies.search_cost.pages.raw_fields import (
    POINTS,
    Json,
    at,
    number,
    our_steps,
    records,
    shape_of,
)

__all__ = [
    "growth_table",
    "inference_table",
    "memory_table",
    "quality_table",
    "search_ratios",
    "search_table",
    "step_table",
]

CASES = ("plain", "search", "search, checkpointing", "yardstick")
PLAIN = "plain"

ARMS = {
    "backbone": "backbone as it came",
    "plain": "backbone, trained on",
    "pruned": "cells of the pruned search",
    "full": "cell of the full search",
    "random": "random cells",
}
"""Arms as they are called in print, in the order of the table."""


def search_ratios(record: Json, of: str) -> list[float]:
    """Return the processor time of ``of`` over that of each pruned search."""
    costs = at(record, "costs")
    whole = number(costs, of, "mean", "total", "cpu")
    return [
        whole / number(cost, "total", "cpu") for cost in at(costs, "pruned", "by_seed").values()
    ]


def search_table(searches: Mapping[str, Json]) -> str:
    """Processor time to a genotype, and what part of a training it is.

    Args:
        searches: records of ``studies.search_cost.search`` by bundle.
    """
    header = (
        *("bundle", "pruned: epochs", "s", "full: s"),
        *("full / pruned", "plain / pruned", "pruned / training"),
    )
    return markdown_table(header, (_search_row(*item) for item in searches.items()))


def _search_row(bundle: str, record: Json) -> Sequence[str]:
    costs = at(record, "costs")
    pruned = [at(cost) for cost in at(costs, "pruned", "by_seed").values()]
    seconds = [number(cost, "total", "cpu") for cost in pruned]
    return (
        bundle,
        ", ".join(f"{number(cost, 'epochs'):.0f}" for cost in pruned),
        ", ".join(f"{value:.0f}" for value in seconds),
        f"{number(costs, 'full', 'mean', 'total', 'cpu'):.0f}",
        *(
            ", ".join(f"{ratio:.1f}" for ratio in search_ratios(record, of))
            for of in ("full", "reference")
        ),
        f"{fmean(seconds) / _training_seconds(record):.4f}",
    )


def _training_seconds(record: Json) -> float:
    """Processor time of a training of the found network by its bundle's own schedule."""
    trained = [at(cost) for cost in at(record, "trainings", "pruned").values()]
    step = fmean(number(cost, "total", "cpu") / number(cost, "steps") for cost in trained)
    return step * number(record, "own_training_steps")


def quality_table(searches: Mapping[str, Json]) -> str:
    """Dice x 100 on the test fold of each arm, seeds averaged; an arm a row, a bundle a column.

    Args:
        searches: records of ``studies.search_cost.search`` by bundle.
    """
    rows = (
        [title, *(f"{POINTS * number(r, 'dice', arm, 'mean'):.2f}" for r in searches.values())]
        for arm, title in ARMS.items()
    )
    return markdown_table(["", *searches], rows)


def step_table(step: Json) -> str:
    """Our search step against the yardstick's."""
    header = ("bundle, batch", "our step, ms", "yardstick / ours", "kept, MiB", "yardstick's, MiB")
    rows = []
    for setting, case in our_steps(step):
        rows.append(
            (
                f"{setting['subject']}, {shape_of(setting)}",
                f"{number(case, 'milliseconds', 'cpu', 'median'):.0f}",
                f"{number(case, 'yardstick_over_case', 'cpu', 'median'):.2f}",
                mebibytes(number(case, "saved_bytes", "weight_step")),
                mebibytes(number(setting, "yardstick_saved_bytes", "weight_step")),
            )
        )
    return markdown_table(header, rows)


def memory_table(memory: Json) -> str:
    """Peak memory in MiB of each case, and in brackets its ratio to plain training's."""
    peaks: dict[str, dict[str, str]] = {}
    for record in records(memory, "records"):
        name, case = f"{record['subject']}, {shape_of(record)}", str(record["case"])
        ratio = "" if case == PLAIN else f" ({number(record, 'over_plain', 'peak'):.2f})"
        peaks.setdefault(name, {})[case] = f"{mebibytes(number(record, 'peak_bytes'))}{ratio}"
    header = ("network, batch", "plain training", "search", "with checkpointing", "yardstick")
    return markdown_table(
        header, ([name, *(by[case] for case in CASES)] for name, by in peaks.items())
    )


def inference_table(*inferences: Json) -> str:
    """Processor time of networks with the shipped cells over that of plain ones."""
    header = ("bundle", "channels in a cell", "operations", "network", "volume to label map")
    rows = []
    for record in (one for inference in inferences for one in records(inference, "records")):
        divisor = cast(int, record["channel_divisor"])
        rows.append(
            (
                str(record["bundle"]),
                "all" if divisor == 1 else f"1 of {divisor}",
                f"{number(record, 'forward', 'flops_cells_over_plain'):.2f}",
                _over_plain(at(record, "forward")),
                _over_plain(at(record, "whole_path")) if record["whole_path"] else "",
            )
        )
    return markdown_table(header, rows)


def _over_plain(part: Json) -> str:
    return f"{number(part, 'cells_over_plain', 'cpu', 'median_of_pairs'):.2f}"


def growth_table(growth: Json) -> str:
    """By what doubling each factor multiplies a step's processor time and memory."""
    rows: list[Sequence[str]] = []
    for factor in records(growth, "factors"):
        points = records(factor, "rows")
        fitted = at(factor, "doubling_multiplies")
        rows.append(
            (
                f"{factor['title']}{', ' + str(factor['series']) if factor['series'] else ''}",
                f"{points[0]['value']} to {points[-1]['value']}",
                f"{number(fitted, 'cpu_time'):.2f}",
                f"{number(fitted, 'memory'):.2f}",
            )
        )
    return markdown_table(("what is doubled", "measured", "time times", "memory times"), rows)

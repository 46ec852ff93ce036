"""The page about the growth of a search step: what doubles when, and every figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from studies.measuring.records import mebibytes
from studies.search_cost.steps.growth import COSTS

__all__ = ["growth_page"]

Record = Mapping[str, object]

INTRODUCTION = """# How the cost of a search step grows

One step is a weight step and an architecture step of the unpruned supernet, on a frozen backbone
(MONAI's `DynUNet`), as the engine takes them. One factor is varied at a time; all else stays at
{base}. All points of a factor take turns in one process; seconds are the least of {repeats} wall
times ({device}, {threads} thread{plural}); memory is what autograd keeps for the larger of both
backward passes, counted. Made by `python -m studies.search_cost.growth`; every single
time is in `{record}`.
"""

WORDS = {
    "spatial_dims": "{}-D",
    "levels": "{} skip connections with a cell",
    "num_nodes": "{} nodes",
    "operations": "{} operations an edge",
    "channel_divisor": "K = {}",
    "side": "a side of {}",
    "batch_size": "a batch of {}",
}


def growth_page(record: Record, *, record_name: str, picture_name: str) -> str:
    """Write the page.

    Args:
        record: what the benchmark publishes.
        record_name: file name of the record.
        picture_name: file name of the picture.
    """
    machine = cast(Record, record["machine"])
    base = cast("dict[str, int]", record["base"])
    threads = cast(int, machine["threads"])
    factors = cast(Sequence[Record], record["factors"])
    parts = [
        INTRODUCTION.format(
            base=", ".join(words.format(base[name]) for name, words in WORDS.items()),
            repeats=record["repeats"],
            device=record["device"],
            threads=threads,
            plural="" if threads == 1 else "s",
            record=record_name,
        ),
        f"![time and memory of a step against each factor]({picture_name})\n",
    ]
    if factors:
        parts += ["## What doubles when\n", _doublings(factors)]
    dimensions = {str(f["series"]): f for f in factors if f["factor"] == "voxels"}
    if len(dimensions) == 2:
        parts.append(_dimensions(*dimensions.values()))
    if record["ranks"] is not None:
        parts.append(_ranks(cast(Record, record["ranks"])))
    if factors:
        parts += ["## Every point\n", _points(factors)]
    return "\n".join(parts)


def _name(factor: Record) -> str:
    return f"{factor['title']}{', ' + str(factor['series']) if factor['series'] else ''}"


def _doublings(factors: Sequence[Record]) -> str:
    lines = [
        "| what is doubled | from, to | wall time times | CPU time times | memory times |",
        "|---|---|---|---|---|",
    ]
    for factor in factors:
        rows = cast(Sequence[Record], factor["rows"])
        over_all, at_last = (
            cast("dict[str, float]", factor[key])
            for key in ("doubling_multiplies", "last_doubling_multiplies")
        )
        figures = " | ".join(f"{over_all[cost]:.2f} ({at_last[cost]:.2f})" for cost in COSTS)
        lines.append(f"| {_name(factor)} | {rows[0]['value']}, {rows[-1]['value']} | {figures} |")
    note = (
        "\nOf the power law fitted to all points of a factor by least squares; in brackets, of "
        "that through the last two.\n"
    )
    return "\n".join(lines) + "\n" + note


def _dimensions(flat: Record, solid: Record) -> str:
    """Both at an equal number of pixels and voxels, where both were measured."""
    rows = [
        {cast(int, row["value"]): row for row in cast(Sequence[Record], factor["rows"])}
        for factor in (flat, solid)
    ]
    lines = ["## 2-D against 3-D\n"]
    for voxels in sorted(set(rows[0]) & set(rows[1])):
        ratios = [figure(rows[1][voxels]) / figure(rows[0][voxels]) for figure in COSTS.values()]
        lines.append(
            f"With {voxels} voxels an image, a 3-D step takes {ratios[0]:.2f} times the time of a "
            f"2-D one (CPU time {ratios[1]:.2f}) and {ratios[2]:.2f} times the memory.\n"
        )
    return "\n".join(lines)


def _ranks(ranks: Record) -> str:
    ratios = cast("dict[str, dict[str, float]]", ranks["one_over_two"])["wall"]
    batch = cast("dict[str, int]", ranks["point"])["batch_size"]
    return (
        "## Two processes against one\n\n"
        f"A step on a batch of {batch} by one process takes {ratios['ratio_of_minima']:.2f} times "
        f"as long as by two with {batch // 2} each, one thread each, gradients averaged (ratio of "
        f"minima; of medians {ratios['ratio_of_medians']:.2f}).\n"
    )


def _points(factors: Sequence[Record]) -> str:
    lines = [
        "| factor | value | seconds, least | median | CPU seconds, least "
        "| kept for a backward pass, MiB | weights of the cells |",
        "|---|---|---|---|---|---|---|",
    ]
    for factor in factors:
        for row in cast(Sequence[Record], factor["rows"]):
            wall = cast("dict[str, dict[str, float]]", row["seconds"])["wall"]
            lines.append(
                f"| {_name(factor)} | {row['value']} | {wall['minimum']:.3f} | "
                f"{wall['median']:.3f} | {COSTS['cpu_time'](row):.3f} | "
                f"{mebibytes(COSTS['memory'](row))} | {row['parameters']} |"
            )
    return "\n".join(lines) + "\n"

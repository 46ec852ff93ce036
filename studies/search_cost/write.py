"""Make the page of benchmarks of its raw files.

    python -m studies.search_cost.write

Reads ``results`` and ``dints/results``, and writes ``docs/BENCHMARKS.md``. The words are those of
``pages/benchmarks.md``; no figure is typed by hand.
"""

from __future__ import annotations

import string
import sys
from pathlib import Path
from typing import cast

from iac_components.common.files import read_json, write_text
from studies.search_cost.pages.raw_fields import Json, at, number, our_steps, records
from studies.search_cost.pages.tables import (
    growth_table,
    inference_table,
    memory_table,
    search_table,
    step_table,
)

__all__ = ["read", "read_searches"]

HERE = Path(__file__).parent
RAW = HERE / "results"
DINTS = HERE / "dints" / "results"
TEMPLATE = HERE / "pages" / "benchmarks.md"
PAGE = HERE.parents[1] / "docs" / "BENCHMARKS.md"
MAX_BYTES = 10_000_000
MEGABYTE = 1e6

BASE = {
    "levels": "{} cells",
    "num_nodes": "{} nodes",
    "operations": "{} operations an edge",
    "channel_divisor": "K = {}",
    "side": "a side of {}",
    "batch_size": "a batch of {}",
}
"""The point that the growth is measured from, in words."""


def read(path: Path) -> Json:
    """Read a raw file."""
    return cast(Json, read_json(path, max_bytes=MAX_BYTES))


def read_searches() -> dict[str, Json]:
    """Return the records of ``studies.search_cost.search`` by bundle."""
    paths = sorted(RAW.glob("search_*.json"))
    return {path.stem.removeprefix("search_"): read(path) for path in paths}


def page() -> str:
    """Return the whole page."""
    searches = read_searches()
    tools = {
        name: read(RAW / f"{name}.json")
        for name in ("step", "memory", "inference", "inference_narrow", "growth")
    }
    words = {
        **_machine([*(at(record, "session") for record in searches.values()), *tools.values()]),
        "searches": search_table(searches),
        "steps": step_table(tools["step"]),
        "difference": f"{_difference(tools['step']):.0e}",
        "memory": memory_table(tools["memory"]),
        "inference": inference_table(tools["inference"], tools["inference_narrow"]),
        **_growth(tools["growth"]),
        **_topology(),
    }
    return string.Template(TEMPLATE.read_text(encoding="utf-8")).substitute(words)


def _machine(sessions: list[Json]) -> dict[str, str]:
    """Return what all records were made on.

    Raises:
        ValueError: if they differ, so that one sentence would not do.
    """
    found = {
        tuple(str(at(one, "machine")[key]) for key in ("cpu", "cores", "threads", "torch"))
        for one in sessions
    }
    if len(found) > 1 or next(iter(found))[2] != "1":
        raise ValueError(f"the raw files were made on different machines: {sorted(found)}.")
    cpu, cores, _, torch = next(iter(found))
    days = sorted(str(one["date"])[:10] for one in sessions)[:: len(sessions) - 1]
    return {"cpu": cpu, "cores": cores, "torch": torch, "days": " to ".join(dict.fromkeys(days))}


def _difference(step: Json) -> float:
    """Return the largest relative difference between our gradients and the yardstick's."""
    keys = ("largest_relative_difference", "architecture_step_gradient")
    return max(number(case, *keys) for _, case in our_steps(step))


def _growth(growth: Json) -> dict[str, str]:
    base, ranks = at(growth, "base"), at(growth, "ranks")
    return {
        "base": ", ".join(words.format(base[name]) for name, words in BASE.items()),
        "growth": growth_table(growth),
        "rank_batch": str(at(ranks, "point")["batch_size"]),
        "ranks": f"{number(ranks, 'one_over_two', 'wall', 'ratio_of_medians'):.2f}",
    }


def _topology() -> dict[str, str]:
    """Figures of the topology search."""
    step, decoding, pruning, memory = (
        read(DINTS / f"dints_{name}.json") for name in ("step", "decoding", "pruning", "memory")
    )
    loops = [number(one, "loop_over_ours", "median") for one in records(step, "settings")]
    model, kept, grown = (
        f"{number(memory, f'{key}_bytes') / MEGABYTE:.1f}"
        for key in ("model", "saved", "peak_growth")
    )
    by_living = at(pruning, "whole_over_pruned_step")
    fewest = min(by_living, key=int)
    return {
        "loop": f"{min(loops):.2f} to {max(loops):.2f}",
        "decoder": f"{1e3 * number(decoding, 'ours_seconds', 'median'):.1f}",
        "monai": f"{number(decoding, 'monai_seconds', 'median'):.1f}",
        "pruned": f"{number(pruning, 'full_over_pruned_search'):.1f}",
        "last_pruned": f"{number(by_living, fewest):.1f}",
        "model": model,
        "kept": kept,
        "grown": grown,
    }


def main() -> int:
    """Write the page."""
    write_text(PAGE, page())
    return 0


if __name__ == "__main__":
    sys.exit(main())

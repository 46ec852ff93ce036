"""Turn the benchmarks' raw files into the page that sets them against their targets.

    python -m studies.search_cost.write

Reads the raw files in ``results`` and writes ``docs/BENCHMARKS.md``, and the pages of the searches
beside their raw files. Nothing on these pages but the prose of the first is typed by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from iac_components.common.files import read_json, write_text
from studies.search_cost.pages.agreement_table import found_once
from studies.search_cost.pages.comparison import render_comparison
from studies.search_cost.pages.raw_fields import (
    POINTS,
    Json,
    against_full,
    at,
    number,
    our_steps,
    ratios,
    records,
)
from studies.search_cost.pages.tables import render_tables

ROOT = Path(__file__).parents[2]
RAW = Path(__file__).with_name("results")
PAGE = ROOT / "docs" / "BENCHMARKS.md"
FINDINGS = RAW / "findings.md"
LINK = "../studies/search_cost/results"
"""The folder of raw files as the page names it."""
MAX_BYTES = 10_000_000
SEEDS = 3
"""Least trainings of an arm that a statement on its Dice rests on."""


@dataclass(frozen=True)
class Row:
    """A line of the table of targets.

    Attributes:
        what: what was measured.
        target: what was wanted.
        where: on which bundle or network.
        measured: the figure.
        met: whether it is as wanted.
    """

    what: str
    target: str
    where: str
    measured: str
    met: bool

    def render(self) -> str:
        """As a line of Markdown."""
        verdict = "met" if self.met else "**missed**"
        return f"| {self.what} | {self.target} | {self.where} | {self.measured} | {verdict} |"


def searches(kind: str = "search") -> dict[str, Json]:
    """Read the records of ``studies.search_cost.search`` by bundle.

    Those of ``kind`` scratch are of runs whose networks were trained from random weights.
    """
    found = {}
    for path in sorted(RAW.glob(f"{kind}_*.json")):
        found[path.stem.removeprefix(f"{kind}_")] = read(path)
    return found


def read(path: Path) -> Json:
    """Read a raw file."""
    return cast(Json, read_json(path, max_bytes=MAX_BYTES))


def raw(name: str) -> Json:
    """Read a raw file of this name, if there is one."""
    path = RAW / f"{name}.json"
    return read(path) if path.exists() else {}


def ratio_rows(of: str, to: str, *, least: float) -> Iterator[Row]:
    """Yield the ratios of one mode's cost to another's."""
    for bundle, record in searches().items():
        for found in ratios(record, of, to):
            wall, cpu = number(found, "wall"), number(found, "cpu")
            yield Row(
                f"`{of}` / `{to}`, time to a genotype",
                f"at least {least:g}",
                bundle,
                f"{cpu:.1f} (wall-clock {wall:.1f})",
                min(cpu, wall) >= least,
            )


def quality_rows(kind: str, how: str) -> Iterator[Row]:
    """Dice of the pruned search's cell against the full one's."""
    for bundle, record in searches(kind).items():
        for found in against_full(record):
            mean, low, high = (
                POINTS * number(found, "paired", key)
                for key in ("mean_difference", "lower", "upper")
            )
            seeds = len(at(record, "dice", "pruned", "by_seed"))
            cells = [len(found_once(at(record, "cells"), mode)) for mode in ("pruned", "full")]
            yield Row(
                f"Dice, {how}, `pruned` less `full`, points",
                "interval above -0.5, 3 seeds of the trainings",
                bundle,
                f"{mean:+.2f} [{low:+.2f}, {high:+.2f}], seeds of the trainings: {seeds}; cells: "
                f"{cells[0]} of `pruned`, {cells[1]} of `full`",
                bool(at(found, "paired")["non_inferior"]) and seeds >= SEEDS,
            )


def step_rows() -> Iterator[Row]:
    """Our step against the yardstick's."""
    for setting, case in our_steps(raw("step")):
        wall = number(case, "yardstick_over_case", "wall", "median")
        cpu = number(case, "yardstick_over_case", "cpu", "median")
        yield Row(
            "yardstick / ours, one search step",
            "at least 1.8 (CPU)",
            str(setting["subject"]),
            f"{cpu:.2f} (wall-clock {wall:.2f})",
            min(cpu, wall) >= 1.8,
        )


def memory_rows() -> Iterator[Row]:
    """Peak memory of the search against training the plain backbone."""
    cases = {"search": "search", "search, checkpointing": "search with `--checkpointing true`"}
    for record in records(raw("memory"), "records"):
        if record["case"] in cases:
            peak = number(record, "over_plain", "peak")
            yield Row(
                f"peak memory, {cases[str(record['case'])]} / plain training",
                "at most 1.5",
                str(record["subject"]),
                f"{peak:.2f}",
                peak <= 1.5,
            )


def training_rows() -> Iterator[Row]:
    """Yield the rows that compare the pruned search with the training of its result."""
    for bundle, record in searches().items():
        costs, trainings = at(record, "costs"), at(record, "trainings")
        trained = [cast(Json, cost) for cost in cast(Json, trainings.get("pruned", {})).values()]
        if "pruned" not in costs or not trained or not record.get("own_training_steps"):
            continue
        seconds = sum(number(cost, "total", "cpu") for cost in trained) / len(trained)
        steps = sum(number(cost, "steps") for cost in trained) / len(trained)
        search = number(costs, "pruned", "mean", "total", "cpu")
        enough = 4 * search / seconds * steps
        own = number(record, "own_training_steps")
        yield Row(
            "`pruned` search / training the found network by its bundle's schedule",
            "at most 1/4",
            bundle,
            f"{search * steps / seconds / own:.3f}: {search:.0f} s; {own:.0f} steps of "
            f"{seconds / steps:.2f} s (1/4 from {enough:.0f} steps on; {search / seconds:.2f} of "
            f"the {steps:.0f} steps trained here)",
            enough <= own,
        )


def inference_rows() -> Iterator[Row]:
    """Inference with cells against without."""
    for record in records(raw("inference"), "records"):
        for part, name in (("forward", "the network"), ("whole_path", "volume to label map")):
            if record.get(part):
                cpu = number(record, part, "cells_over_plain", "cpu", "median_of_pairs")
                wall = number(record, part, "cells_over_plain", "wall", "median_of_pairs")
                yield Row(
                    f"inference with cells / without, {name}",
                    "at most 1.15",
                    str(record["bundle"]),
                    f"{cpu:.2f} (wall-clock {wall:.2f})",
                    max(cpu, wall) <= 1.15,
                )


TARGETS: Sequence[Callable[[], Iterable[Row]]] = (
    lambda: ratio_rows("full", "pruned", least=16),
    lambda: ratio_rows("reference", "pruned", least=25),
    lambda: quality_rows("search", "cells trained in the frozen backbone"),
    lambda: quality_rows("scratch", "whole networks trained from scratch"),
    step_rows,
    memory_rows,
    training_rows,
    inference_rows,
)
"""Targets, in the order of the page."""


def search_page(name: str) -> str:
    """Render the page of a search benchmark from its raw file."""
    record = raw(name)
    pictures = [f"{name}_{kind}.png" for kind in ("epochs", "cost")]
    others = {path.stem: read(path) for path in sorted(RAW.glob("search_*.json"))}
    same = [other for other, found in others.items() if other != name and _holds(found, record)]
    return render_tables(record, pictures=pictures, searches_of=same[0] if same else None)


def _holds(other: Json, record: Json) -> bool:
    """Return True if every search of a record is one of another's: no two take the same seconds."""
    ours, theirs = _epochs(record), _epochs(other)
    return bool(ours) and all(theirs.get(search) == rows for search, rows in ours.items())


def _epochs(record: Json) -> dict[tuple[str, str], object]:
    """Return the cost of each epoch of each search, by mode and seed."""
    searches = cast(Mapping[str, Mapping[str, Json]], record["searches"])
    return {(mode, seed): of["rows"] for mode, by in searches.items() for seed, of in by.items()}


def included(name: str) -> str:
    """Read a table that a benchmark wrote, without title and with links relative to the page."""
    path = RAW / f"{name}.md"
    if not path.exists():
        return ""
    lines = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("# "))
    return text.replace("](", f"]({LINK}/").replace("\n## ", "\n### ").strip() + "\n"


def quality_from_scratch(bundle: str) -> str:
    """Render the quality of a bundle's cells in networks trained from random weights."""
    text = included(f"scratch_{bundle}")
    start = text.index("### What its cell is worth")
    return text[start : text.index("### The search against")].split("\n", 1)[1].strip()


def page() -> str:
    """Render the whole page."""
    rows = [row.render() for rows in TARGETS for row in rows()]
    compared = render_comparison(
        searches(), from_scratch=searches("scratch"), step=raw("step"), memory=raw("memory")
    )
    parts = [
        FINDINGS.read_text(encoding="utf-8").replace("COMPARISON", compared).rstrip(),
        "## Targets\n\nRatios are of processor time; wall-clock stands in brackets.\n\n"
        "| what | target | on | measured | |\n| --- | --- | --- | --- | --- |\n" + "\n".join(rows),
        *(
            f"## Searches: {bundle.replace('_', ', ')}\n\n{included(f'search_{bundle}')}".rstrip()
            for bundle in searches()
        ),
        *(
            f"## From scratch: {bundle.replace('_', ', ')}\n\n{quality_from_scratch(bundle)}"
            for bundle in searches("scratch")
        ),
    ]
    for name, title in (
        ("step", "One step"),
        ("levers", "One step, lever by lever"),
        ("memory", "Memory"),
        ("inference", "Inference"),
        ("sensitivity", "Threshold and patience"),
    ):
        if text := included(name):
            picture = f"\n![the same as a picture]({LINK}/{name}.png)\n"
            parts.append(
                f"## {title}\n\n{text}" + (picture if (RAW / f"{name}.png").exists() else "")
            )
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def main() -> int:
    """Write the pages of the search benchmarks, then the one that holds them."""
    for path in sorted([*RAW.glob("search_*.json"), *RAW.glob("scratch_*.json")]):
        write_text(path.with_suffix(".md"), search_page(path.stem))
    write_text(PAGE, page())
    return 0


if __name__ == "__main__":
    sys.exit(main())

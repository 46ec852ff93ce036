"""Performance of a bundle: one table in its README, everything else in ``RESULTS.md``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.bundling.rendering.facts import Facts

__all__ = ["NOT_MEASURED", "performance", "results_page"]

NOT_MEASURED = (
    "Not measured. Every stage was run on a synthetic data set in this layout "
    "(`tools/verify_bundles.py`), which says that it runs and nothing about accuracy."
)
STUDY = "results/proof_settings.json"
"""Lies beside a page that a study wrote, of which nothing is rendered."""

_COLUMNS = {"search": "epochs", "train": "Dice x 100", "inference": "Dice x 100"}
"""Stage to a column of the table that says how well it does."""

_ELSEWHERE = "`docs/RESULTS.md` of the train bundle"
_POINTERS = {"search": _ELSEWHERE, "train": "[RESULTS.md](RESULTS.md)", "inference": _ELSEWHERE}


def performance(stage: str, *, docs: Path, section: Path, weights: Path) -> str:
    """Return the table of a stage, with what stands before it.

    Args:
        stage: of the bundle.
        docs: folder of the train bundle's pages.
        section: what was measured of all skip modules or architectures, if it was.
        weights: record of the weights that an inference bundle ships, if it does.
    """
    page = docs / "RESULTS.md"
    measured = [path for path in (section, page) if path.exists()]
    if not measured:
        return NOT_MEASURED
    more = f"All tables, the controls, and what they do not show: {_POINTERS[stage]}."
    if stage == "inference" and weights.exists():
        return f"{_weights_table(weights)}\n\n{more}"
    if stage == "search":
        measured.reverse()
    texts = [path.read_text(encoding="utf-8") for path in measured]
    table = next(found for text in texts for found in _tables(text, _COLUMNS[stage]))
    return f"{table}\n\n{more}"


def results_page(*, docs: Path, section: Path) -> str | None:
    """Return the text of ``RESULTS.md``; None if a study writes it, or nothing was measured."""
    if (docs / STUDY).exists() or not section.exists():
        return None
    return section.read_text(encoding="utf-8")


def _tables(text: str, column: str) -> Iterator[str]:
    """Tables that have a column, each with the paragraph before it."""
    blocks = [block.strip() for block in text.split("\n\n")]
    for before, block in zip(["#", *blocks], blocks, strict=False):
        if block.startswith("|") and column in block.partition("\n")[0]:
            yield block if before.startswith(("#", "|", "-")) else f"{before}\n\n{block}"


def _weights_table(path: Path) -> str:
    """Scores of the weights that are shipped."""
    record = json.loads(path.read_text(encoding="utf-8"))
    dice, distance = (_summaries(record["test"][metric]) for metric in ("dice", "hd95"))
    rows = [
        f"| {name} | {_interval(dice[name], 100)} | {_interval(distance[name], 1)} |"
        for name in dice
    ]
    return "\n".join(
        [
            f"The shipped weights, on the {dice['mean']['n_patients']} patients of the test fold:",
            "",
            "| class | Dice x 100 [95 % interval] | HD95 mm [95 % interval] |",
            "| --- | --- | --- |",
            *rows,
        ]
    )


def _summaries(metric: Mapping[str, Facts]) -> dict[str, Facts]:
    """Return the summary of each class, and of their mean."""
    return {**cast(dict[str, Facts], metric["classes"]), "mean": metric["mean"]}


def _interval(summary: Facts, scale: float) -> str:
    low, high = cast(Sequence[float], summary["interval_95"])
    return f"{scale * cast(float, summary['mean']):.2f} [{scale * low:.2f}, {scale * high:.2f}]"

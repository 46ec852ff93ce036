"""Performance of a bundle: scores of the shipped weights in one table, or that there are none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.bundling.rendering.facts import Facts
from iac_components.common.pages.markdown_table import markdown_table

__all__ = ["NOT_MEASURED", "SCORED", "eval_metrics", "performance", "scores_table", "weights_note"]

NOT_MEASURED = (
    "Not measured. Every stage was run on a synthetic data set in this layout "
    "(`tools/verify_bundles.py`), which says that it runs and nothing about accuracy."
)
SCORED = "The shipped weights"
"""What was scored, unless the record names a training that left the test patients out."""

ELSEWHERE = (
    "What searches found, and what they cost, where it was measured: `docs/RESULTS.md` and "
    "`docs/BENCHMARKS.md` of the project."
)

_RECORD = {
    "train": "Made with this bundle; how, is in `docs/weights.json` of the inference bundle.",
    "inference": "How they were trained and chosen, is in `docs/weights.json`.",
}
_HEADER = ("class", "Dice x 100 [95 % interval]", "HD95 mm [95 % interval]")


def performance(stage: str, *, weights: Path) -> str:
    """Return what a README says of a stage's performance.

    Args:
        stage: of the bundle. A search has no scores of its own.
        weights: record of the weights that the inference bundle ships, if it does.
    """
    if stage == "search":
        return f"{NOT_MEASURED} {ELSEWHERE}"
    if not weights.exists():
        return NOT_MEASURED
    record = json.loads(weights.read_text(encoding="utf-8"))
    test = record["test"]
    patients = _summaries(test["dice"])["mean"]["n_patients"]
    where = record.get("tested_on", "the test fold")
    return (
        f"{record.get('scored', SCORED)}, on the {patients} patients of {where}. "
        f"{_RECORD[stage]}\n\n" + scores_table(test).rstrip()
    )


def eval_metrics(weights: Path) -> Facts:
    """Return mean Dice and HD95 of shipped weights, and the Dice of each class.

    Args:
        weights: record of the weights.
    """
    test = json.loads(weights.read_text(encoding="utf-8"))["test"]
    dice, distance = (_summaries(test[name]) for name in ("dice", "hd95"))
    classes = {f"dice_{name}": found["mean"] for name, found in dice.items() if name != "mean"}
    return {"mean_dice": dice["mean"]["mean"], "mean_hd95_mm": distance["mean"]["mean"], **classes}


def weights_note(weights: Path) -> str:
    """Return what the record of shipped weights says of them in words.

    Args:
        weights: record of the weights.
    """
    return cast(str, json.loads(weights.read_text(encoding="utf-8"))["note"])


def scores_table(test: Mapping[str, Mapping[str, Facts]]) -> str:
    """Return Dice and distance of each class, and of their mean, as a table.

    Args:
        test: the summary of an evaluation, by metric.
    """
    return markdown_table(_HEADER, _rows(test), words=len(_HEADER))


def _rows(test: Mapping[str, Mapping[str, Facts]]) -> Iterator[Sequence[str]]:
    dice, distance = _summaries(test["dice"]), _summaries(test["hd95"])
    for name in dice:
        yield name, _interval(dice[name], 100), _interval(distance[name], 1)


def _summaries(metric: Mapping[str, Facts]) -> dict[str, Facts]:
    """Return the summary of each class, and of their mean."""
    return {**cast(dict[str, Facts], metric["classes"]), "mean": metric["mean"]}


def _interval(summary: Facts, scale: float) -> str:
    low, high = cast(Sequence[float], summary["interval_95"])
    return f"{scale * cast(float, summary['mean']):.2f} [{scale * low:.2f}, {scale * high:.2f}]"

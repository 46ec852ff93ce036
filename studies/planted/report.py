"""Hit rates of the planted study against chance, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from iac_components.common.pages.markdown_table import markdown_table
from studies.planted.hits import hit_rate
from studies.planted.operations import CANDIDATES

__all__ = ["report"]

CHANCE = 1 / (len(CANDIDATES) - 1)
"""Of naming the remedy by a draw among the operations that pass anything."""


HEADER = (
    *("rule", "remedy found", "95 % interval", "p (chance 1 in 9)", "skip dropped"),
    *("no cell in the null space", "searches called decided", "of these right"),
    "seconds a search",
)


def report(records: Sequence[Mapping[str, object]]) -> str:
    """Describe planted and null runs, rule by rule.

    The tasks whose skip is dropped have no remedy among the operations: they are right if the cell
    takes the gate and leaves the skip, and are counted apart.

    Args:
        records: of ``run_task``.
    """
    rows = (
        _row(rule, [record for record in records if record["rule"] == rule])
        for rule in sorted({str(record["rule"]) for record in records})
    )
    return markdown_table(HEADER, rows).rstrip()


def _row(rule: str, runs: Sequence[Mapping[str, object]]) -> Sequence[str]:
    named = [run for run in runs if run["remedy"] not in ("", "gate")]
    decided = [run for run in runs if run["kind"] == "searched"]
    seconds = sum(float(str(run["seconds"])) for run in runs) / len(runs)
    hits = ("none run", "", "")
    if named:
        rate = hit_rate(_right(named), len(named), chance=CHANCE)
        hits = (
            f"{rate.hits} of {rate.trials}",
            f"{rate.low:.2f} to {rate.high:.2f}",
            f"{rate.p_value:.2g}",
        )
    dropped = _share([run for run in runs if run["remedy"] == "gate"])
    null = _share([run for run in runs if run["remedy"] == ""])
    return (
        rule,
        *hits,
        dropped,
        null,
        f"{len(decided)} of {len(runs)}",
        _share(decided),
        f"{seconds:.0f}",
    )


def _right(runs: Sequence[Mapping[str, object]]) -> int:
    return sum(bool(run["right"]) for run in runs)


def _share(runs: Sequence[Mapping[str, object]]) -> str:
    return f"{_right(runs)} of {len(runs)}" if runs else "none run"

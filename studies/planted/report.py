"""Hit rates of the planted study against chance, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from studies.planted.hits import hit_rate
from studies.planted.operations import CANDIDATES

__all__ = ["report"]


def report(records: Sequence[object]) -> str:
    """Describe planted and null runs.

    Args:
        records: of ``run_task``.
    """
    runs = [cast(dict[str, object], record) for record in records]
    planted = [run for run in runs if run["remedy"]]
    null = [run for run in runs if not run["remedy"]]
    chance = 1 / (len(CANDIDATES) - 1)
    lines = [f"{len(planted)} planted runs, chance {chance:.3f}; {len(null)} null runs.", ""]
    if planted:
        lines += ["| rule | hits | 95 % interval | p |", "|---|---|---|---|"]
        for rule in ("alphas", "audit", "race"):
            # A race that has not ended on one operation has not hit.
            hits = sum(run[rule] in (run["remedy"], [run["remedy"]]) for run in planted)
            rate = hit_rate(hits, len(planted), chance=chance)
            lines.append(
                f"| {rule} | {hits} of {len(planted)} | {rate.low:.2f} to {rate.high:.2f} | "
                f"{rate.p_value:.2g} |"
            )
        decided = sum(bool(run["decided"]) for run in planted)
        needed = sum(bool(run["needed"]) for run in planted)
        ended = sum(len(cast(list[str], run["race"])) == 1 for run in planted)
        lines += [
            "",
            f"Decided at one look: {decided}. Races that ended on one operation: {ended}. "
            f"A cell needed: {needed}.",
        ]
    if null:
        right = sum(not run["needed"] for run in null)
        lines += ["", f"Null: no cell needed in {right} of {len(null)}."]
    return "\n".join(lines)

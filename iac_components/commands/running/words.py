"""Results in words: what a search found, and how well it does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

__all__ = ["found_in_a_sentence", "metrics_table"]

Json = Mapping[str, object]


def found_in_a_sentence(path: Path) -> str:
    """Say in one sentence what the search found that wrote a genotype or an architecture."""
    content = json.loads(path.read_text(encoding="utf-8"))
    provenance = cast(Json, content.get("provenance") or {})
    findings = provenance.get("findings")
    if isinstance(findings, dict):
        return _measured(findings, decided=provenance.get("kind") == "searched")
    what = "cell" if "nodes" in content else "topology"
    if provenance.get("kind") != "searched":
        kind = provenance.get("kind", "of no known kind")
        return f"The {what} is {kind}: the search did not decide it."
    nodes = cast(Sequence[Json], content.get("nodes") or ())
    if what == "cell" and not nodes:
        return "The search settled on no cell: the plain network is what it found."
    parts = _operations(nodes) if what == "cell" else ""
    return (
        f"The search settled on one {what}{parts}; whether it is better than none it did not "
        "measure."
    )


def _measured(findings: Json, *, decided: bool) -> str:
    """Of a search that measured effects."""
    parts = cast(Sequence[Json], findings.get("parts") or ())
    by = [str(part.get("decided")) for part in parts]
    counts = ", ".join(
        f"{by.count(kind)} {words}"
        for kind, words in (
            ("evidence", "by evidence"),
            ("cost", "as the cheaper of equals"),
            ("undecided", "not decided"),
        )
        if kind in by
    )
    verdict = "decided" if decided else "did not decide everything"
    gain = cast("Mapping[str, float] | None", findings.get("gain"))
    return (
        f"The search {verdict}, on {findings.get('patients', 'some')} patients: "
        f"{_gain(gain) if gain else 'its gain over no cell was not measured'}"
        + (f" ({len(parts)} parts: {counts})." if counts else ".")
    )


def _gain(gain: Mapping[str, float]) -> str:
    low, mean, high = (gain[key] for key in ("low", "mean", "high"))
    interval = f"by {mean:.3f} (95 % interval {low:.3f} to {high:.3f})"
    if low > 0:
        return f"what it found lowers the loss {interval} against no cell"
    if high < 0:
        return f"what it found raises the loss {interval}: no cell is better"
    return f"no gain over no cell is shown, the loss differs {interval}"


def _operations(nodes: Sequence[Json]) -> str:
    """The operations of a cell with their counts."""
    names = [
        str(edge["operation"]) for node in nodes for edge in cast(Sequence[Json], node["edges"])
    ]
    counted = (f"{names.count(name)} x {name}" for name in dict.fromkeys(sorted(names)))
    return f" of {len(nodes)} nodes ({', '.join(counted)})" if names else ""


def metrics_table(path: Path) -> str:
    """The summary of a ``metrics.json`` as a table."""
    summary = json.loads(path.read_text(encoding="utf-8"))["summary"]
    lines = [f"{'class':<20}{'Dice':>8}{'HD95 mm':>10}   (means over patients)"]
    dice, distance = summary["dice"], summary["hd95"]
    for name in (*dice["classes"], "all"):
        cells = [
            scores["mean"] if name == "all" else scores["classes"][name]
            for scores in (dice, distance)
        ]
        lines.append(
            f"{name:<20}{_number(cells[0]['mean'], 3):>8}{_number(cells[1]['mean'], 2):>10}"
        )
    return "\n".join(lines)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"

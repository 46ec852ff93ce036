"""Results in words: the findings of a search, its post-processing and its scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.dints.searching.topology_audit import describe_topology
from iac_components.evaluation.postprocessing.decision_file import read_kept
from iac_components.search import describe_findings

__all__ = ["found_in_a_sentence", "kept_in_a_sentence", "metrics_table"]

Json = Mapping[str, object]


def found_in_a_sentence(path: Path) -> str:
    """Describe in one sentence the findings of the search that wrote a file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    provenance = cast(Json, content.get("provenance") or {})
    what = "cell" if "nodes" in content else "topology"
    searched = provenance.get("kind") == "searched"
    findings = provenance.get("findings")
    if isinstance(findings, dict):
        describe = describe_findings if what == "cell" else describe_topology
        return f"The search's finding: {describe(findings, searched=searched)}"
    if not searched:
        kind = provenance.get("kind", "of no known kind")
        return f"The {what} is {kind}: the search did not decide it."
    nodes = cast(Sequence[Json], content.get("nodes") or ())
    if what == "cell" and not nodes:
        return "The search chose no cell: its result is the plain network."
    parts = _operations(nodes) if what == "cell" else ""
    return (
        f"The search chose one {what}{parts}; it did not measure whether that is better than none."
    )


def _operations(nodes: Sequence[Json]) -> str:
    """Format the operations of a cell with their counts."""
    names = [
        str(edge["operation"]) for node in nodes for edge in cast(Sequence[Json], node["edges"])
    ]
    counted = (f"{names.count(name)} x {name}" for name in dict.fromkeys(sorted(names)))
    return f" of {len(nodes)} nodes ({', '.join(counted)})" if names else ""


def kept_in_a_sentence(path: Path) -> str:
    """Describe in one sentence the decision in a ``postprocessing.json``."""
    content = json.loads(path.read_text(encoding="utf-8"))
    kept, dice = read_kept(path).describe(), content["dice"]
    patients = content["num_patients"]
    by = f"{patients} validation patient" + ("s" if patients > 1 else "")
    if not kept:
        return f"Label maps stay as they are: keeping largest components alone did not help {by}."
    gains = ", ".join(
        f"{name} {_change(before, dice['with'][name])}"
        for name, before in dice["without"].items()
        if before != dice["with"][name]
    )
    return f"Only the largest component is kept of {kept}: on {by}, Dice {gains}."


def _change(before: float | None, after: float | None) -> str:
    """Format a score that changed, with as many digits as show it."""
    digits = 3
    while digits < 6 and _number(before, digits) == _number(after, digits):
        digits += 1
    return f"{_number(before, digits)} to {_number(after, digits)}"


def metrics_table(path: Path) -> str:
    """Format the summary of a ``metrics.json`` as a table."""
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

"""Findings of a search, as plain values for the genotype's provenance and as one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from iac_components.search.audits.audit import Effects, FloatArray, measure_effects
from iac_components.search.audits.looks.choice import Decided
from iac_components.search.audits.looks.log import WHOLE
from iac_components.search.evidence.parts import Part
from iac_components.search_space.space import EdgeSpace

__all__ = ["Findings", "describe_findings", "judge_findings", "place_of"]


@dataclass(frozen=True)
class Findings:
    """Effects of the parts that a search kept.

    Attributes:
        gain: of all cells together; of none, zero; None of a topology.
        parts: that were kept.
        effects: of the parts.
        decided: how, by part.
    """

    gain: Effects | None
    parts: tuple[Part, ...]
    effects: Effects
    decided: Mapping[Part, Decided]

    @property
    def undecided(self) -> list[Part]:
        """Parts of cells that were not decided. A skip is on unless evidence speaks against it."""
        return [
            part for part in self.parts if part.kind != "skip" and self.decided[part] == "undecided"
        ]

    def plain(self, space: EdgeSpace) -> dict[str, object]:
        """Return JSON values."""
        rows = zip(self.parts, self.effects.mean, self.effects.low, self.effects.high, strict=True)
        gain = self.gain
        return {
            **({} if gain is None else {"gain": _interval(*_first(gain))}),
            "parts": [
                {
                    **place_of(part, space),
                    "effect": _interval(mean, low, high),
                    "decided": self.decided[part],
                }
                for part, mean, low, high in rows
            ],
        }


def judge_findings(
    parts: Sequence[Part],
    gains: FloatArray,
    *,
    alpha: float,
    reasons: Mapping[Part, Decided],
    rejected: int = 0,
) -> Findings:
    """Judge the kept parts: each is surely needed, or it is undecided.

    The intervals of all parts hold together at 1 - alpha, and that of the gain by itself. Parts
    that were removed because of the same measurements count among them: what is kept was chosen.

    Args:
        parts: the first is all cells together, if there is any cell.
        gains: (K, P) of the parts.
        alpha: error of all intervals of parts.
        reasons: how the races of operations and edges were decided, where there were any.
        rejected: number of parts that were removed because of the same measurements.
    """
    patients = gains.shape[1]
    whole = gains[:1] if parts and parts[0] == WHOLE else np.zeros((1, patients))
    gain = measure_effects(whole, level=alpha / 2)
    kept = [number for number, part in enumerate(parts) if part != WHOLE]
    effects = measure_effects(gains[kept], level=alpha / (2 * max(1, len(kept) + rejected)))
    decided: dict[Part, Decided] = {}
    for number, low in zip(kept, effects.low, strict=True):
        decided[parts[number]] = "evidence" if low > 0 else "undecided"
    # Of operations, the race between them counts, since the edge says whether anything is needed.
    decided |= {part: reason for part, reason in reasons.items() if part in decided}
    return Findings(gain, tuple(parts[number] for number in kept), effects, decided)


def describe_findings(findings: Mapping[str, object], *, searched: bool) -> str:
    """Describe the findings in one sentence.

    Args:
        findings: plain values, as the provenance holds them.
        searched: whether everything was decided.
    """
    parts = cast(Sequence[Mapping[str, object]], findings["parts"])
    gain = cast(Mapping[str, float | None], findings["gain"])
    counts = {kind: sum(p["kind"] == kind for p in parts) for kind in ("cell", "node", "edge")}
    patients, tolerance = findings["patients"], findings["tolerance"]
    if not counts["cell"] and findings.get("removed_for_cost"):
        return f"no cell: none keeps the cost within {findings['max_cost']} of the plain network's."
    if not counts["cell"] and not searched:
        return (
            f"not decided: no cell was measured to be worth more than {tolerance} in the loss of "
            f"{patients} patients, and none is kept; nothing proves that none is needed."
        )
    if not counts["cell"]:
        return (
            f"no cell needed: without any, the loss of {patients} patients is within "
            f"{tolerance} of that with them, or lower."
        )
    found = (
        f"{counts['cell']} level(s) with a cell, {counts['node']} node(s), "
        f"{counts['edge']} edge(s), which gain {_words(gain)} in the loss of {patients} patients"
    )
    if searched:
        return f"found {found}; every part is decided."
    open_parts = sum(p["decided"] == "undecided" and p["kind"] != "skip" for p in parts)
    judged = sum(p["kind"] != "skip" for p in parts)
    return f"not decided: {found}, but {open_parts} of {judged} parts are not decided."


def _words(gain: Mapping[str, float | None]) -> str:
    mean, low, high = (
        "unknown" if gain[name] is None else f"{gain[name]:.4f}" for name in ("mean", "low", "high")
    )
    return f"{mean} ({low} to {high})"


def place_of(part: Part, space: EdgeSpace) -> dict[str, object]:
    """Describe the place of a part as plain values."""
    place: dict[str, object] = {"kind": part.kind, "level": part.level}
    if part.kind == "node":
        place["node"] = part.index
    elif part.kind in ("edge", "path", "operation"):
        edge = space.edges[part.index]
        place |= {"node": edge.node, "input": edge.input}
        if part.kind == "operation":
            place["operation"] = space.operations[part.column]
    return place


def _first(effects: Effects) -> tuple[float, float, float]:
    return float(effects.mean[0]), float(effects.low[0]), float(effects.high[0])


def _interval(mean: float, low: float, high: float) -> dict[str, float | None]:
    """Return plain values; null where nothing is known."""
    values = {"mean": mean, "low": low, "high": high}
    return {name: float(v) if np.isfinite(v) else None for name, v in values.items()}

"""The verdict: what was measured of each candidate, and which one is used, if any."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from iac_components.adaptation.choice.planning import ArmPlan
from iac_components.adaptation.choice.statistics import (
    best_proof,
    choose_candidate,
    plain_effects,
    prove_gains,
)
from iac_components.adaptation.settings import AdaptSettings

__all__ = ["ArmEffect", "Verdict", "judge_arms"]

TIME_STEP = 0.05
"""Differences of relative time below which candidates cost the same."""


@dataclass(frozen=True)
class ArmEffect:
    """Gain of one candidate over the released network, in Dice.

    Attributes:
        arm: the candidate.
        gain: mean over held-out patients; NaN if it could not be measured.
        low: lower bound at the error that the candidate has.
        high: upper bound at the same error.
        parameters: values that it adds or replaces.
        ratio: time of inference with it over the released network's.
        note: why it is left out, or empty.
        source: mean change and lower bound on cases of the network's own domain, or None.
        baseline: True if it is only compared with.
        strength: at which all this holds.
        gains: True if its gain is proved.
        harmless: True if it is proved at a strength that is not known to do harm elsewhere.
        proved: all strengths at which it is, rising.
    """

    arm: str
    gain: float
    low: float
    high: float
    parameters: int
    ratio: float
    note: str = ""
    source: tuple[float, float] | None = None
    baseline: bool = False
    strength: float = 1.0
    gains: bool = False
    harmless: bool = False
    proved: tuple[float, ...] = ()

    def plain(self) -> dict[str, object]:
        """Return the effect as JSON values; what is not finite becomes null."""
        source = None if self.source is None else [_finite(value) for value in self.source]
        return {
            "candidate": self.arm,
            "gain": _finite(self.gain),
            "low": _finite(self.low),
            "high": _finite(self.high),
            "parameters": self.parameters,
            "ratio": round(self.ratio, 3),
            "note": self.note,
            "own_domain": source,
            "baseline": self.baseline,
            "strength": self.strength,
        }


@dataclass(frozen=True)
class Verdict:
    """Outcome of an adaptation.

    Attributes:
        chosen: the candidate, or None for "keep the network as it is".
        reason: in a sentence.
        effects: of all candidates, in the order in which they were asked for.
        patients: that were held out.
    """

    chosen: str | None
    reason: str
    effects: tuple[ArmEffect, ...]
    patients: int

    @property
    def sentence(self) -> str:
        """The verdict in one line."""
        head = "Keep the network as it is" if self.chosen is None else f"Use {self.chosen}"
        return f"{head}: {self.reason}"

    @property
    def effect(self) -> ArmEffect | None:
        """The effect of what was chosen."""
        return next((e for e in self.effects if e.arm == self.chosen), None)

    def plain(self) -> dict[str, object]:
        """Return the verdict as JSON values."""
        return {
            "verdict": "keep" if self.chosen is None else "adapt",
            "chosen": self.chosen,
            "reason": self.reason,
            "patients": self.patients,
            "effects": [effect.plain() for effect in self.effects],
        }


def judge_arms(
    gains: Mapping[str, Mapping[float, Sequence[float]]],
    *,
    plans: Mapping[str, ArmPlan],
    notes: Mapping[str, str],
    tried: int,
    settings: AdaptSettings,
    source_gains: Mapping[str, Mapping[float, Sequence[float]]] | None = None,
) -> Verdict:
    """Decide whether an adapter is used, and which.

    Args:
        gains: of each measured arm at each strength, rising, one value a held-out patient.
        plans: of each measured arm.
        notes: of arms that were not measured, why.
        tried: number of candidates that the network can have, given up or not, among which the
            error is split.
        settings: with ``least_gain``, ``tolerance`` and ``alpha``.
        source_gains: of arms that were measured on cases of the network's own domain, at their
            proved strengths; None if no such cases were given.
    """
    own = [arm for arm in settings.candidates if arm in gains]
    level = settings.alpha / max(1, tried)
    patients = len(next((values for of in gains.values() for values in of.values()), ()))
    effects: list[ArmEffect] = []
    for arm in settings.arms:
        if arm not in gains:
            note = notes.get(arm, "not measured")
            baseline = arm not in settings.candidates
            effects.append(
                ArmEffect(arm, math.nan, -math.inf, math.inf, 0, 1.0, note, baseline=baseline)
            )
            continue
        source = None if source_gains is None else source_gains.get(arm, {})
        effects.append(_effect(arm, gains[arm], source, plans[arm], level, settings))
    if not own:
        why = "; ".join(f"{effect.arm} {effect.note}" for effect in effects if not effect.baseline)
        return Verdict(None, f"no candidate is left: {why}.", tuple(effects), patients)
    by_arm = {effect.arm: effect for effect in effects}
    proved = np.array([by_arm[arm].gains for arm in own])
    harmless = np.array([by_arm[arm].harmless for arm in own])
    choice = choose_candidate(
        np.array([gains[arm][by_arm[arm].strength] for arm in own], dtype=float),
        proved & harmless,
        [(_in_steps(plans[arm].ratio), plans[arm].parameters) for arm in own],
        tolerance=settings.tolerance,
        alpha=settings.alpha,
    )
    if choice.index is not None:
        effect = by_arm[own[choice.index]]
        return Verdict(effect.arm, _why(effect, choice.reason, patients), tuple(effects), patients)
    best = max((by_arm[arm] for arm in own), key=lambda effect: effect.gain)
    return Verdict(None, _why_not(best, proved, settings, patients), tuple(effects), patients)


def _effect(
    arm: str,
    gains: Mapping[float, Sequence[float]],
    source_gains: Mapping[float, Sequence[float]] | None,
    plan: ArmPlan,
    level: float,
    settings: AdaptSettings,
) -> ArmEffect:
    """Judge an arm at the best of its strengths that gain and do no harm, if there is one."""
    strengths = tuple(gains)
    values = np.array(list(gains.values()), dtype=float)
    proofs = prove_gains(values, strengths, level=level, least_gain=settings.least_gain)
    proved = [proof for proof in proofs if proof.gains]
    sources = _own_domain(source_gains or {}, level)
    safe = [
        proof
        for proof in proved
        if source_gains is None or _low(sources.get(strengths[proof.index])) > -settings.tolerance
    ]
    found = best_proof(safe or proofs)
    return ArmEffect(
        arm,
        found.gain,
        found.low,
        found.high,
        plan.parameters,
        plan.ratio,
        source=sources.get(strengths[found.index]),
        baseline=arm not in settings.candidates,
        strength=strengths[found.index],
        gains=found.gains,
        harmless=bool(safe),
        proved=tuple(strengths[proof.index] for proof in proved),
    )


def _own_domain(
    source_gains: Mapping[float, Sequence[float]], level: float
) -> dict[float, tuple[float, float]]:
    """Return mean changes and lower bounds by strength, from the weakest on.

    What is stronger than one that may do harm may do harm, too: so that looking at several
    strengths costs no error.
    """
    found: dict[float, tuple[float, float]] = {}
    lowest = math.inf
    for strength, values in sorted(source_gains.items()):
        effects = plain_effects(np.array([values], dtype=float), level=level, strength=strength)
        lowest = min(lowest, float(effects.low[0]))
        found[strength] = float(effects.mean[0]), lowest
    return found


def _low(source: tuple[float, float] | None) -> float:
    return -math.inf if source is None else source[1]


def _why(effect: ArmEffect, reason: str, patients: int) -> str:
    ending = {
        "cost": "the fastest, then the largest of those that are as good.",
        "evidence": "better than the others that gain.",
        "undecided": "the best so far of those that gain.",
        "close": "the fastest, then the largest of those that are hardly behind the best so far.",
    }[reason]
    return (
        f"{_at(effect)}it gains {effect.gain:.3f} Dice over the released network in {patients} "
        f"held-out patients (at least {effect.low:.3f}); {ending}"
    )


def _why_not(best: ArmEffect, proved: np.ndarray, settings: AdaptSettings, patients: int) -> str:
    if proved.any():
        return (
            "what gains here may lose more than the tolerance of "
            f"{settings.tolerance:g} Dice on cases of the network's own domain."
        )
    bound = f"{best.low:.3f}" if math.isfinite(best.low) else "unknown"
    return (
        f"no candidate's gain is proved to be above {settings.least_gain:g} Dice in {patients} "
        f"held-out patients (best: {best.arm}, {_at(best)}{best.gain:+.3f}, lower bound {bound})."
    )


def _in_steps(ratio: float) -> float:
    """Round a measured time, which is another whenever it is measured again."""
    return round(ratio / TIME_STEP) * TIME_STEP


def _at(effect: ArmEffect) -> str:
    return "" if effect.strength == 1 else f"at strength {effect.strength:g} "


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None

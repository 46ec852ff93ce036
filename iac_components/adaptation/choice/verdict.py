"""The verdict: what was measured of each candidate, and which one is used, if any."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from iac_components.adaptation.choice.statistics import (
    choose_candidate,
    plain_effects,
    prove_gain,
)
from iac_components.adaptation.settings import AdaptSettings

__all__ = ["ArmEffect", "Verdict", "judge_arms"]


@dataclass(frozen=True)
class ArmEffect:
    """Gain of one candidate over the released network, in Dice.

    Attributes:
        arm: the candidate.
        gain: mean over held-out patients; NaN if it could not be measured.
        low: lower bound at the error that the candidate has.
        high: upper bound at the same error.
        parameters: values that it adds or replaces.
        note: why it is left out, or empty.
        source: mean change and lower bound on cases of the network's own domain, or None.
        baseline: True if it is only compared with.
        strength: at which all this holds.
        gains: True if its gain is proved.
    """

    arm: str
    gain: float
    low: float
    high: float
    parameters: int
    note: str = ""
    source: tuple[float, float] | None = None
    baseline: bool = False
    strength: float = 1.0
    gains: bool = False

    def plain(self) -> dict[str, object]:
        """Return the effect as JSON values; what is not finite becomes null."""
        source = None if self.source is None else [_finite(value) for value in self.source]
        return {
            "candidate": self.arm,
            "gain": _finite(self.gain),
            "low": _finite(self.low),
            "high": _finite(self.high),
            "parameters": self.parameters,
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
    parameters: Mapping[str, int],
    notes: Mapping[str, str],
    tried: int,
    settings: AdaptSettings,
    source_gains: Mapping[str, Sequence[float]] | None = None,
) -> Verdict:
    """Decide whether an adapter is used, and which.

    Args:
        gains: of each measured arm at each strength, rising, one value a held-out patient.
        parameters: of each measured arm.
        notes: of arms that were not measured, why.
        tried: number of candidates that the network can have, given up or not, among which the
            error is split.
        settings: with ``least_gain``, ``tolerance`` and ``alpha``.
        source_gains: of arms that were measured on cases of the network's own domain, at the
            strength at which they gain; None if no such cases were given.
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
                ArmEffect(arm, math.nan, -math.inf, math.inf, 0, note, baseline=baseline)
            )
            continue
        strengths = tuple(gains[arm])
        values = np.array([gains[arm][strength] for strength in strengths], dtype=float)
        found = prove_gain(values, strengths, level=level, least_gain=settings.least_gain)
        effects.append(
            ArmEffect(
                arm,
                found.gain,
                found.low,
                found.high,
                parameters[arm],
                source=_source(source_gains, arm, level),
                baseline=arm not in settings.candidates,
                strength=strengths[found.index],
                gains=found.gains,
            )
        )
    if not own:
        why = "; ".join(f"{effect.arm} {effect.note}" for effect in effects if not effect.baseline)
        return Verdict(None, f"no candidate is left: {why}.", tuple(effects), patients)
    by_arm = {effect.arm: effect for effect in effects}
    proved = np.array([by_arm[arm].gains for arm in own])
    harmless = np.array([_harmless(by_arm[arm], settings, source_gains) for arm in own])
    choice = choose_candidate(
        np.array([gains[arm][by_arm[arm].strength] for arm in own], dtype=float),
        proved & harmless,
        np.array([parameters[arm] for arm in own], dtype=float),
        tolerance=settings.tolerance,
        alpha=settings.alpha,
    )
    if choice.index is not None:
        effect = by_arm[own[choice.index]]
        return Verdict(effect.arm, _why(effect, choice.reason, patients), tuple(effects), patients)
    best = max((by_arm[arm] for arm in own), key=lambda effect: effect.gain)
    return Verdict(None, _why_not(best, proved, settings, patients), tuple(effects), patients)


def _source(
    source_gains: Mapping[str, Sequence[float]] | None, arm: str, level: float
) -> tuple[float, float] | None:
    if source_gains is None or arm not in source_gains:
        return None
    found = plain_effects(np.array([source_gains[arm]], dtype=float), level=level)
    return float(found.mean[0]), float(found.low[0])


def _harmless(effect: ArmEffect, settings: AdaptSettings, given: object) -> bool:
    if given is None:
        return True
    return effect.source is not None and effect.source[1] > -settings.tolerance


def _why(effect: ArmEffect, reason: str, patients: int) -> str:
    ending = {
        "cost": "the cheapest of those that are as good.",
        "evidence": "better than the others that gain.",
        "undecided": "the best so far of those that gain.",
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


def _at(effect: ArmEffect) -> str:
    return "" if effect.strength == 1 else f"at strength {effect.strength:g} "


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None

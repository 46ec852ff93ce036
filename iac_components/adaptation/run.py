"""The run of an adaptation: trainings with held-out patients, verdict, adapter."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from torch import Tensor, nn

from iac_components.adaptation.adapter.adapter_file import Adapter
from iac_components.adaptation.adapter.base_network import count_parameters, network_name
from iac_components.adaptation.choice.racing import FIRST_LOOK, left_behind
from iac_components.adaptation.choice.statistics import by_patient
from iac_components.adaptation.choice.trainings import Trainings
from iac_components.adaptation.choice.units import UnitResult
from iac_components.adaptation.choice.verdict import ArmEffect, Verdict, judge_arms
from iac_components.adaptation.costs import InferenceCost, measure_cost
from iac_components.adaptation.fitting.fit import DivergedError
from iac_components.adaptation.fitting.objective import Scores, paired_gain
from iac_components.common.progress_bars import progress_bar

__all__ = ["Adaptation", "decide", "estimate_seconds"]

Pairs = Mapping[str, tuple[Scores, Scores]]
"""By case: scores before and after."""

OwnDomain = Mapping[str, Mapping[float, Pairs]]
"""By candidate and strength."""


@dataclass(frozen=True)
class Adaptation:
    """Result of an adaptation.

    Attributes:
        verdict: what was measured, and what is used.
        adapter: to be saved; without parts if the network is kept as it is.
        network: the released network with the adapter.
        before: scores of each case by the released network.
        after: scores of each case by the shown candidate, trained without the case's patient.
        shown: the chosen candidate, or the best one that was not accepted.
        predictions: label maps of each case before and after.
        own_domain: scores before and after of each own-domain case, if there were such cases.
        cost: at inference.
        seconds: of all trainings.
    """

    verdict: Verdict
    adapter: Adapter
    network: nn.Module
    before: Mapping[str, Scores]
    after: Mapping[str, Scores]
    shown: ArmEffect | None
    predictions: tuple[Mapping[str, Tensor], Mapping[str, Tensor]]
    own_domain: Pairs
    cost: InferenceCost
    seconds: float


def estimate_seconds(trainings: Trainings) -> float:
    """Return the seconds that the missing trainings take, from the second step of each candidate.

    Windows are made before, and the first step is not timed: what is done once would count for
    every step.
    """
    trainings.make_windows()
    steps: dict[str, float] = {}
    for arm in trainings.plans:
        if trainings.trains(arm):
            # Its training will say that it diverges.
            with suppress(DivergedError):
                steps[arm] = _step_seconds(trainings, arm)
    start = time.perf_counter()
    trainings.scored(trainings.site.network, trainings.site.cases[:1])
    each = time.perf_counter() - start
    missing = trainings.missing
    share = 1 / len(trainings.folds)
    trained = sum(steps.get(arm, 0.0) for arm, *_ in missing) + max(steps.values(), default=0.0)
    judged = sum(len(trainings.strengths(arm)) for arm, *_ in missing)
    scored = len(trainings.site.cases) * (1 + share * judged)
    return trained * trainings.settings.steps + each * scored


def _step_seconds(trainings: Trainings, arm: str) -> float:
    ends: list[float] = []
    trainings.fit(
        arm,
        trainings.site.cases,
        0,
        replace(trainings.settings.fit, steps=2),
        after_step=lambda: ends.append(time.perf_counter()),
    )
    return ends[1] - ends[0]


def decide(trainings: Trainings) -> Adaptation:
    """Make what is missing, judge it, and train what was chosen with all cases."""
    released = trainings.released()
    seconds = _measure(trainings)
    gains = {arm: trainings.gains(arm) for arm in trainings.plans if arm not in trainings.notes}
    verdict = _judge(trainings, gains, None)
    own: OwnDomain = {}
    if trainings.site.source and verdict.chosen is not None:
        own = _on_own_domain(trainings, verdict)
        verdict = _judge(trainings, gains, own)
    return _result(trainings, verdict, released, own, seconds)


def _measure(trainings: Trainings) -> float:
    """Make the trainings fold by fold, but for candidates that are left behind; in seconds."""
    seconds = 0.0
    with progress_bar(total=len(trainings.units), desc="Adapting", unit="training") as bar:
        for fold in range(len(trainings.folds)):
            for unit in trainings.units_of(fold):
                if unit[0] not in trainings.notes:
                    bar.set_postfix_str(unit[0], refresh=False)
                    for result in trainings.unit(unit).values():
                        seconds += result.seconds
                        if result.failure:
                            trainings.notes[unit[0]] = result.failure
                bar.update()
            if FIRST_LOOK <= fold + 1 < len(trainings.folds):
                _give_up(trainings, fold + 1)
    return seconds


def _give_up(trainings: Trainings, folds: int) -> None:
    """Note the candidates that need not be tried further, each at its best strength so far."""
    gains = {
        arm: max(trainings.gains(arm, folds=folds).values(), key=sum)
        for arm in trainings.settings.candidates
        if arm in trainings.plans and arm not in trainings.notes
    }
    behind = left_behind(gains, give_up=trainings.settings.give_up)
    for arm, (best, ahead, own) in behind.items():
        when = f"given up after {folds} of {len(trainings.folds)} folds"
        trainings.notes[arm] = f"{when}: {own:+.3f}, {best} {ahead:+.3f}"


def _judge(
    trainings: Trainings,
    gains: Mapping[str, Mapping[float, Sequence[float]]],
    own: OwnDomain | None,
) -> Verdict:
    source = None
    if own is not None:
        patients = {case.name: case.patient for case in trainings.site.source}
        source = {
            arm: {strength: _by_patient(pairs, patients) for strength, pairs in of.items()}
            for arm, of in own.items()
        }
    return judge_arms(
        gains,
        plans=trainings.plans,
        notes=trainings.notes,
        tried=trainings.tried,
        settings=trainings.settings,
        source_gains=source,
    )


def _by_patient(pairs: Pairs, patients: Mapping[str, str]) -> list[float]:
    return by_patient({name: paired_gain(*pair) for name, pair in pairs.items()}, patients)


def _on_own_domain(trainings: Trainings, verdict: Verdict) -> OwnDomain:
    """Score what gains, trained on all cases, on the network's own domain."""
    source = trainings.site.source
    before = trainings.scored(trainings.site.network, source).scores
    found: dict[str, dict[float, Pairs]] = {}
    for effect in verdict.effects:
        if effect.baseline:
            continue
        for strength in effect.proved:
            network = trainings.final(effect.arm, strength).network
            after = trainings.scored(network, source).scores
            pairs = {name: (before[name], after[name]) for name in before}
            found.setdefault(effect.arm, {})[strength] = pairs
    return found


def _result(
    trainings: Trainings,
    verdict: Verdict,
    released: UnitResult,
    own: OwnDomain,
    seconds: float,
) -> Adaptation:
    site, chosen = trainings.site, verdict.effect
    measured = [effect for effect in verdict.effects if not effect.note and not effect.baseline]
    shown = chosen or max(measured, key=lambda effect: effect.gain, default=None)
    after, predicted = ({}, {}) if shown is None else trainings.held_out(shown.arm, shown.strength)
    fitted = None if chosen is None else trainings.final(chosen.arm, chosen.strength)
    network = site.network if fitted is None else fitted.network
    cost = measure_cost(site.network, network, site.shape)
    adapter = Adapter(
        () if chosen is None else trainings.plans[chosen.arm].parts,
        {} if fitted is None else fitted.values,
        base_name=site.name or network_name(site.network),
        base_digest=trainings.digest,
        base_parameters=count_parameters(site.network),
        preprocessing=site.preprocessing,
        classes=tuple(site.judged),
        strength=1.0 if chosen is None else chosen.strength,
        record={
            **verdict.plain(),
            "cases": [{"case": case.name, "patient": case.patient} for case in site.cases],
            "settings": trainings.settings.plain(),
            "cost": cost.plain(),
        },
    )
    return Adaptation(
        verdict,
        adapter,
        network,
        released.scores,
        after,
        shown,
        (released.predictions, predicted),
        {} if shown is None else own.get(shown.arm, {}).get(shown.strength, {}),
        cost,
        seconds,
    )

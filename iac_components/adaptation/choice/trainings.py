"""Trainings with held-out patients: planned, made once, written down, and scored."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor, nn

from iac_components.adaptation.adapter.base_network import is_scripted, network_digest
from iac_components.adaptation.candidates import find_candidate
from iac_components.adaptation.choice.planning import plan_arms
from iac_components.adaptation.choice.statistics import by_patient, held_out_folds
from iac_components.adaptation.choice.units import UnitFiles, UnitResult
from iac_components.adaptation.fitting.cases import SiteCase
from iac_components.adaptation.fitting.fit import DivergedError, FitSettings, Fitted, fit_parts
from iac_components.adaptation.fitting.frozen import FeatureStore
from iac_components.adaptation.fitting.objective import Scores, paired_gain
from iac_components.adaptation.fitting.pool import WindowPool
from iac_components.adaptation.fitting.strength import FULL, weakened
from iac_components.adaptation.settings import AdaptSettings
from iac_components.adaptation.site import Site
from iac_components.bundling.options import OptionError
from iac_components.engine.steps.mixed_precision import has_bfloat16_units, in_bfloat16

__all__ = ["Trainings", "Unit"]

Unit = tuple[str, int, int]
"""Candidate, draw and fold."""

RELEASED = "released"

BFLOAT16_VOXELS = 128 * 128
"""Of a window, from which on bfloat16 is taken: steps of windows of 48 x 64 took as long or up to
1.18 times, of 256 x 256 and 64 x 64 x 64 0.30 to 0.87 times (``studies/adaptation``)."""


class Trainings:
    """All trainings of an adaptation.

    Args:
        site: network and cases.
        settings: how an adapter is looked for.
        folder: for results of single trainings; None keeps them in memory.
        after_step: called after each step of a training; may raise to end the run.

    Attributes:
        folds: patients that are held out together.
        digest: of the network's weights.
        plans: what each candidate that the network can have puts into it.
        notes: why it cannot have the others.

    Raises:
        OptionError: as ``plan_arms``.
    """

    def __init__(
        self,
        site: Site,
        settings: AdaptSettings,
        *,
        folder: Path | None = None,
        after_step: Callable[[], None] = lambda: None,
    ) -> None:
        self.site = site
        self.settings = replace(settings, amp=_in_bfloat16(site, settings.amp))
        self.after_step = after_step
        self.folds = held_out_folds(site.patients, most=settings.folds)
        self.digest = network_digest(site.network)
        self.plans, self.notes = plan_arms(site, settings)
        self.files = UnitFiles(folder, self._key())
        self._finals: dict[str, Fitted] = {}
        self._pool = WindowPool(site.cases, site.window, seed=settings.seed)
        self._store = FeatureStore()

    @property
    def units(self) -> list[Unit]:
        """All trainings with held-out patients, fold by fold."""
        return [unit for fold in range(len(self.folds)) for unit in self.units_of(fold)]

    def units_of(self, fold: int) -> list[Unit]:
        """All trainings without the patients of a fold."""
        return [(arm, draw, fold) for arm in self.plans for draw in range(self.draws(arm))]

    @property
    def missing(self) -> list[Unit]:
        """The trainings that are still to be made."""
        return [unit for unit in self.units if self._found(unit) is None]

    @property
    def tried(self) -> int:
        """Number of candidates that the network can have, given up or not."""
        return sum(arm in self.plans for arm in self.settings.candidates)

    def draws(self, arm: str) -> int:
        """Return the number of trainings with the same cases, which differ in their seeds."""
        return self.settings.draws if self.trains(arm) else 1

    def strengths(self, arm: str) -> tuple[float, ...]:
        """Return the strengths at which a candidate is judged, rising; of a baseline the full."""
        return self.settings.strengths if arm in self.settings.candidates else (FULL,)

    def trains(self, arm: str) -> bool:
        """Return False for what is only estimated."""
        return any(not find_candidate(part.kind).estimates for part in self.plans[arm].parts)

    def make_windows(self) -> None:
        """Cut and augment the windows of all cases, which every training then uses."""
        self._pool.make(self.site.cases)

    def released(self) -> UnitResult:
        """Score the released network on all cases."""
        found = self.files.find(RELEASED)
        if found is None:
            found = self.scored(self.site.network, self.site.cases)
            self.files.keep(RELEASED, found)
        return found

    def unit(self, unit: Unit) -> dict[float, UnitResult]:
        """Train without the patients of a fold, and score on theirs at each strength, rising."""
        found = self._found(unit)
        if found is None:
            found = self._made(unit)
            for strength, result in found.items():
                self.files.keep(self._name(unit, strength), result)
        return found

    def held_out(
        self, arm: str, strength: float = FULL
    ) -> tuple[dict[str, Scores], dict[str, Tensor]]:
        """Return scores and label maps of all cases, each by a network without its patient.

        Args:
            arm: the candidate, in its first draw.
            strength: one of its strengths.
        """
        scores: dict[str, Scores] = {}
        predictions: dict[str, Tensor] = {}
        for fold in range(len(self.folds)):
            result = self.unit((arm, 0, fold))[strength]
            scores.update(result.scores)
            predictions.update(result.predictions)
        return scores, predictions

    def gains(self, arm: str, *, folds: int | None = None) -> dict[float, list[float]]:
        """Return at each strength the mean gain of each patient over the released network.

        Args:
            arm: the candidate.
            folds: patients of the first so many folds only; None for all.

        Returns:
            By strength, rising: one value a patient, patients sorted.
        """
        before = self.released().scores
        patients = {case.name: case.patient for case in self.site.cases}
        found: dict[float, dict[str, list[float]]] = {s: {} for s in self.strengths(arm)}
        for unit in product([arm], range(self.draws(arm)), range(folds or len(self.folds))):
            for strength, result in self.unit(unit).items():
                for name, after in result.scores.items():
                    gain = paired_gain(before[name], after)
                    found[strength].setdefault(name, []).append(gain)
        return {
            strength: by_patient({name: fmean(values) for name, values in of.items()}, patients)
            for strength, of in found.items()
        }

    def final(self, arm: str, strength: float = FULL) -> Fitted:
        """Train with all cases; the same training serves every strength."""
        if arm not in self._finals:
            self._finals[arm] = self.fit(arm, self.site.cases, self.settings.seed + 999_999)
        parts = self.plans[arm].parts
        return weakened(self.site.network, parts, self._finals[arm], strength)

    def fit(
        self,
        arm: str,
        cases: Sequence[SiteCase],
        seed: int,
        settings: FitSettings | None = None,
        *,
        after_step: Callable[[], None] | None = None,
    ) -> Fitted:
        """Train a candidate with some cases."""
        return fit_parts(
            self.site.network,
            self.plans[arm].parts,
            self._pool.of(cases, self.settings.batch_size),
            self.site.objective,
            settings or self.settings.fit,
            seed=seed,
            store=self._store,
            after_step=after_step or self.after_step,
        )

    def scored(self, network: nn.Module, cases: Sequence[SiteCase]) -> UnitResult:
        """Segment and score whole cases."""
        objective, inferer = self.site.objective, self.site.inferer
        scores: dict[str, Scores] = {}
        predictions: dict[str, Tensor] = {}
        for case in cases:
            found = objective.segment(network, case, inferer, self.site.device)
            predictions[case.name] = found
            scores[case.name] = objective.score(found, case)
            self.after_step()
        return UnitResult(scores, predictions, 0.0)

    def _key(self) -> dict[str, object]:
        """Everything that the result of a training depends on, beside its name."""
        names = ("steps", "batch_size", "rate", "budget", "seed", "folds")
        return {
            "network": self.digest,
            "cases": [(c.name, c.patient, _digest(c)) for c in self.site.cases],
            "classes": self.site.objective.classes,
            "window": repr(self.site.window),
            "inferer": self.site.inferer_digest,
            "genotype": self.site.genotype.digest if self.site.genotype else None,
            **{name: getattr(self.settings, name) for name in names},
            **({"amp": True} if self.settings.amp else {}),
        }

    def _found(self, unit: Unit) -> dict[float, UnitResult] | None:
        found = {s: self.files.find(self._name(unit, s)) for s in self.strengths(unit[0])}
        kept = {strength: result for strength, result in found.items() if result is not None}
        return kept if len(kept) == len(found) else None

    def _name(self, unit: Unit, strength: float) -> str:
        """Name a result; how many places a time allows may be another in a run that resumes."""
        arm, draw, fold = unit
        return f"{arm}-{self.plans[arm].places}-{draw}-{fold}-{strength!r}"

    def _made(self, unit: Unit) -> dict[float, UnitResult]:
        """Train once, and score at each strength; all the training's time is the first one's."""
        arm, draw, fold = unit
        held = [case for case in self.site.cases if case.patient in self.folds[fold]]
        others = [case for case in self.site.cases if case.patient not in self.folds[fold]]
        strengths = self.strengths(arm)
        start = time.perf_counter()
        try:
            fitted = self.fit(arm, others, self.settings.seed + 1000 * draw + fold)
        except DivergedError as error:
            seconds = (time.perf_counter() - start) / len(strengths)
            return {strength: UnitResult({}, {}, seconds, str(error)) for strength in strengths}
        found = {}
        for strength in strengths:
            at = weakened(self.site.network, self.plans[arm].parts, fitted, strength)
            result = self.scored(at.network, held)
            seconds = time.perf_counter() - start
            found[strength] = UnitResult(result.scores, result.predictions, seconds)
            start = time.perf_counter()
        return found


def _in_bfloat16(site: Site, asked: bool | None) -> bool:
    """Decide where nothing was asked for: by the device, for windows that are worth it.

    Raises:
        OptionError: if TorchScript is to compute in it, whose convolutions cannot be looked after.
    """
    if is_scripted(site.network):
        if asked:
            raise OptionError(
                "--amp true: the network is TorchScript, which is trained in float32. Leave it "
                "out, or pass the Python network with its weights."
            )
        return False
    if asked is not None:
        return asked
    worth_it = math.prod(site.shape[2:]) >= BFLOAT16_VOXELS
    return has_bfloat16_units(site.device) and worth_it and _can_bfloat16(site)


@torch.no_grad()
def _can_bfloat16(site: Site) -> bool:
    """Return False for a network one of whose operations is not there in bfloat16."""
    example = next(site.network.parameters())
    image = torch.zeros(site.shape, device=example.device, dtype=example.dtype)
    try:
        in_bfloat16(site.network, site.device.type)(image)
    except RuntimeError:
        return False
    return True


def _digest(case: SiteCase) -> str:
    digest = hashlib.sha256()
    for tensor in (case.image, case.label):
        flat = tensor.contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]

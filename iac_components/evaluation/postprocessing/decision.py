"""Decision by validation patients of what only the largest component is kept.

Source: nnU-Net's post-processing (Isensee et al., Nature Methods 18, 203-211 (2021), and its code
of version 2, ``remove_connected_components.py``): the foreground as a whole is tried first, then
each class on top of what was adopted, in order. Differs from its code in one condition for all
trials: the Dice of a class must rise, and that of none may fall. nnU-Net asks that of the mean over
classes for the foreground, and of the class alone for a class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from iac_components.evaluation.patients import finite_mean, patient_scores
from iac_components.evaluation.postprocessing.counts import ComponentCounts
from iac_components.evaluation.postprocessing.kept import KeptComponents
from iac_components.evaluation.records import CaseRecord
from iac_components.evaluation.regions import scored_regions

__all__ = ["Decision", "Trial", "decide"]


@dataclass(frozen=True)
class Trial:
    """A choice that was tried.

    Attributes:
        kept: the choice.
        dice: mean over patients of each class, or region; NaN if no patient has one.
        adopted: whether it was better than what had been adopted before.
    """

    kept: KeptComponents
    dice: Mapping[str, float]
    adopted: bool


@dataclass(frozen=True)
class Decision:
    """The components to keep, with the scores that decided it.

    Attributes:
        kept: of what only the largest component is kept.
        class_names: of the foreground classes.
        without: mean Dice of each class, or region, of the predictions as they are.
        trials: in their order.
        num_patients: that decided.
    """

    kept: KeptComponents
    class_names: tuple[str, ...]
    without: Mapping[str, float]
    trials: tuple[Trial, ...]
    num_patients: int

    @property
    def dice(self) -> Mapping[str, float]:
        """Mean Dice of each class, or region, with what was adopted."""
        adopted = [trial.dice for trial in self.trials if trial.adopted]
        return adopted[-1] if adopted else self.without


def decide(
    cases: Sequence[ComponentCounts],
    class_names: Sequence[str],
    regions: Mapping[str, Sequence[int]] | None = None,
) -> Decision:
    """Adopt what raises the mean Dice of a class over patients and lowers that of none.

    Args:
        cases: of the validation patients.
        class_names: of the foreground classes; label i + 1 is ``class_names[i]``.
        regions: label values of each region whose Dice decides, instead of the classes'.

    Raises:
        ValueError: if there is no case, or classes or regions make no sense.
    """
    if not cases:
        raise ValueError("there is no validation patient to decide by.")
    scored = scored_regions(class_names, regions)
    kept = KeptComponents()
    best = without = _mean_dice(cases, kept, class_names, scored)
    trials = []
    for name in (None, *class_names):
        tried = (
            replace(kept, foreground=True)
            if name is None
            else replace(kept, classes=(*kept.classes, name))
        )
        dice = _mean_dice(cases, tried, class_names, scored)
        adopted = _is_better(dice, best)
        trials.append(Trial(tried, dice, adopted))
        if adopted:
            kept, best = tried, dice
    patients = {case.patient for case in cases}
    return Decision(kept, tuple(class_names), without, tuple(trials), len(patients))


def _is_better(dice: Mapping[str, float], before: Mapping[str, float]) -> bool:
    """Compare class by class; a class without a Dice (NaN) neither rises nor falls."""
    rises = [dice[name] > before[name] for name in dice]
    falls = [dice[name] < before[name] for name in dice]
    return any(rises) and not any(falls)


def _mean_dice(
    cases: Sequence[ComponentCounts],
    kept: KeptComponents,
    class_names: Sequence[str],
    scored: Mapping[str, Sequence[int]],
) -> dict[str, float]:
    """Return the mean over patients, as ``metrics.json`` has it."""
    records = [
        CaseRecord(
            case.patient,
            case.case,
            number,
            name,
            case.dice(values, kept, class_names),
            float("nan"),
        )
        for case in cases
        for number, (name, values) in enumerate(scored.items(), start=1)
    ]
    patients = patient_scores(records, "dice").values()
    return {name: finite_mean(patient.classes[name] for patient in patients) for name in scored}

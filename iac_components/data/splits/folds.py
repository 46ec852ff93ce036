"""Folds by patient: a partition that depends on the patients' names and a seed alone."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from iac_components.data.case import Case

__all__ = ["Folds", "make_folds", "seeded_order", "stated_folds"]

VALIDATION_FRACTION = 1 / 8
"""Share of the patients outside the test fold that are held out for validation (our choice)."""


def seeded_order(names: Iterable[str], *, seed: int, purpose: str) -> list[str]:
    """Return the distinct ``names`` in an order drawn by ``seed``, whatever their given order.

    Names are ranked by a hash rather than by a random generator, so that the order is the same
    with every version of NumPy, on every machine.

    Args:
        names: what to order.
        seed: another seed gives another order.
        purpose: keeps draws for different purposes independent.
    """

    def rank(name: str) -> bytes:
        return hashlib.sha256(f"{purpose}\0{seed}\0{name}".encode()).digest()

    return sorted(set(names), key=rank)


@dataclass(frozen=True)
class Folds:
    """A partition of a dataset's patients.

    Attributes:
        layout: the dataset's layout.
        seed: the seed it was drawn with; also draws the parts within a fold.
        folds: the patients of each fold, sorted.
        validation_fraction: share of the patients outside the test fold used for validation.

    Raises:
        ValueError: if there are fewer than two folds, one is empty, a patient is in two, or the
            fraction is not between 0 and 1.
    """

    layout: str
    seed: int
    folds: tuple[tuple[str, ...], ...]
    validation_fraction: float = VALIDATION_FRACTION

    def __post_init__(self) -> None:
        if len(self.folds) < 2:
            raise ValueError(f"folds: at least 2 are needed, not {len(self.folds)}.")
        empty = [str(index) for index, fold in enumerate(self.folds) if not fold]
        if empty:
            raise ValueError(f"folds: fold(s) {', '.join(empty)} have no patient.")
        counts = Counter(self.patients)
        twice = sorted(name for name, count in counts.items() if count > 1)
        if twice:
            raise ValueError(f"folds: patient(s) {', '.join(twice)} occur more than once.")
        if not 0 < self.validation_fraction < 1:
            raise ValueError(
                f"validation_fraction must be between 0 and 1, not {self.validation_fraction}."
            )

    @property
    def patients(self) -> tuple[str, ...]:
        """All patients, fold by fold."""
        return tuple(patient for fold in self.folds for patient in fold)


def make_folds(patients: Iterable[str], *, layout: str, num_folds: int = 5, seed: int = 0) -> Folds:
    """Draw folds whose sizes differ by one patient at most.

    Args:
        patients: their names; order and repetition do not matter.
        layout: the dataset's layout, kept in the file.
        num_folds: number of folds, at least 2.
        seed: another seed gives other folds.

    Raises:
        ValueError: if there are fewer patients than folds, or fewer than two folds.
    """
    order = seeded_order(patients, seed=seed, purpose="folds")
    if not 2 <= num_folds <= len(order):
        raise ValueError(
            f"num_folds is {num_folds} for {len(order)} patient(s): it must be between 2 and the "
            "number of patients. Change --num_folds, or check --dataset_dir."
        )
    folds = tuple(tuple(sorted(order[index::num_folds])) for index in range(num_folds))
    return Folds(layout=layout, seed=seed, folds=folds)


def stated_folds(cases: Sequence[Case], *, layout: str, seed: int = 0) -> Folds | None:
    """Return the folds that a data set itself states; None if it states none.

    Args:
        cases: of the data set.
        layout: the dataset's layout, kept in the file.
        seed: draws the parts within a fold.

    Raises:
        ValueError: if some cases have a fold and others none, a patient is in two, a number is
            left out, or there is one fold only.
    """
    if all(case.fold is None for case in cases):
        return None
    without = [case.name for case in cases if case.fold is None]
    if without:
        raise ValueError(
            f"case(s) {', '.join(without[:8])} have no fold, {len(cases) - len(without)} others "
            "have one. State the fold of every case, or of none."
        )
    of_patient: dict[str, int] = {}
    for case in cases:
        first = of_patient.setdefault(case.patient, case.fold or 0)
        if first != case.fold:
            raise ValueError(
                f"patient '{case.patient}' is in fold {first} and {case.fold}, so that it would be "
                "tested by a network that was trained on it. Put its cases into one fold."
            )
    count = max(of_patient.values()) + 1
    missing = sorted(set(range(count)) - set(of_patient.values()))
    if missing or count < 2:
        problem = f"lack number {missing[0]}" if missing else "are one"
        raise ValueError(
            f"the stated folds {problem}; they must be numbered from 0 on, 2 or more. Correct "
            "them, or take all 'fold' keys out to have folds drawn."
        )
    folds = tuple(
        tuple(sorted(name for name, fold in of_patient.items() if fold == number))
        for number in range(count)
    )
    return Folds(layout=layout, seed=seed, folds=folds)

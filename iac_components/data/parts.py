"""Parts of a fold, by name: which patients train, validate, test, or search.

``test`` is the fold itself. A share of the others is ``validation``, the rest is ``train``, and
``train`` falls into ``weights`` and ``architecture``, the two halves of a bilevel search. Where
``train`` is one patient, the validation part is the architecture half.

``fold`` may be ``"all"``: everything trains, nothing is tested, and validation is of patients that
are trained on too (as nnU-Net's fold ``all``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from iac_components.common.registry import Registry
from iac_components.data.case import Case
from iac_components.data.splits.folds import Folds, seeded_order

__all__ = [
    "ALL_FOLDS",
    "PartRule",
    "register_part",
    "registered_parts",
    "select_cases",
    "select_patients",
]

ALL_FOLDS = "all"
"""In the place of a fold's number: train on everything, test nothing."""

PartRule = Callable[[Folds, int | None], Sequence[str]]
"""``rule(folds, fold)`` returns the patients of the part; the fold is None for all of them."""

_REGISTRY: Registry[PartRule] = Registry("part")

register_part = _REGISTRY.register
registered_parts = _REGISTRY.names


@register_part("test")
def _test(folds: Folds, fold: int | None) -> Sequence[str]:
    return () if fold is None else folds.folds[fold]


@register_part("validation")
def _validation(folds: Folds, fold: int | None) -> Sequence[str]:
    return _others(folds, fold)[: _validation_size(folds, fold)]


@register_part("train")
def _train(folds: Folds, fold: int | None) -> Sequence[str]:
    others = _others(folds, fold)
    return others if fold is None else others[_validation_size(folds, fold) :]


@register_part("weights")
def _weights(folds: Folds, fold: int | None) -> Sequence[str]:
    return _train_in_search_order(folds, fold)[0::2]


@register_part("architecture")
def _architecture(folds: Folds, fold: int | None) -> Sequence[str]:
    train = _train_in_search_order(folds, fold)
    return train[1::2] if len(train) > 1 else _validation(folds, fold)


def select_patients(folds: Folds, *, fold: int | str, part: str) -> tuple[str, ...]:
    """Return the patients of a part, sorted.

    Args:
        folds: of the data set.
        fold: a fold's number, or ``"all"``.
        part: its name.

    Raises:
        ValueError: if the part is unknown, or the fold does not exist.
    """
    rule = _REGISTRY.require(part)
    if isinstance(fold, str) and fold != ALL_FOLDS:
        raise ValueError(f"fold is {fold!r}: it must be a fold's number or 'all'. Change --fold.")
    if isinstance(fold, int) and not 0 <= fold < len(folds.folds):
        raise ValueError(
            f"fold is {fold}, but folds run from 0 to {len(folds.folds) - 1}. Change --fold."
        )
    return tuple(sorted(rule(folds, None if isinstance(fold, str) else fold)))


def select_cases(cases: Sequence[Case], folds: Folds, *, fold: int | str, part: str) -> list[Case]:
    """Return the cases of a part's patients, in the order of ``cases``.

    Raises:
        ValueError: if the part or fold is unknown, or the part has no case.
    """
    if fold == ALL_FOLDS and part == "test":
        raise ValueError(
            "fold 'all' trains on every patient, so that none is left to be tested. Pass a fold's "
            "number with --fold to score a network."
        )
    patients = select_patients(folds, fold=fold, part=part)
    selected = [case for case in cases if case.patient in patients]
    if not selected:
        raise ValueError(
            f"part '{part}' of fold {fold} has no case: {len(cases)} cases were read, "
            f"{len(folds.patients)} patients lie in {len(folds.folds)} folds, {len(patients)} of "
            "them in this part. Use more patients, or another --num_folds or --folds_file."
        )
    return selected


def _others(folds: Folds, fold: int | None) -> list[str]:
    """Patients outside the test fold, in a seeded order."""
    test = set(_test(folds, fold))
    others = (patient for patient in folds.patients if patient not in test)
    return seeded_order(others, seed=folds.seed, purpose=f"validation of fold {_name(fold)}")


def _validation_size(folds: Folds, fold: int | None) -> int:
    others = len(folds.patients) - len(_test(folds, fold))
    return max(1, round(others * folds.validation_fraction))


def _train_in_search_order(folds: Folds, fold: int | None) -> list[str]:
    train = _train(folds, fold)
    return seeded_order(train, seed=folds.seed, purpose=f"search halves of fold {_name(fold)}")


def _name(fold: int | None) -> int | str:
    return ALL_FOLDS if fold is None else fold

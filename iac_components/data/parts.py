"""Parts of a fold, by name: which patients train, validate, test, or search.

``test`` is the fold itself. A share of the others is ``validation``, the rest is ``train``, and
``train`` falls into ``weights`` and ``architecture``, the two halves of a bilevel search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from iac_components.common.registry import Registry
from iac_components.data.case import Case
from iac_components.data.folds import Folds, seeded_order

__all__ = ["PartRule", "register_part", "registered_parts", "select_cases", "select_patients"]

PartRule = Callable[[Folds, int], Sequence[str]]
"""``rule(folds, fold)`` returns the patients of the part."""

_REGISTRY: Registry[PartRule] = Registry("part")

register_part = _REGISTRY.register
registered_parts = _REGISTRY.names


@register_part("test")
def _test(folds: Folds, fold: int) -> Sequence[str]:
    return folds.folds[fold]


@register_part("validation")
def _validation(folds: Folds, fold: int) -> Sequence[str]:
    return _others(folds, fold)[: _validation_size(folds, fold)]


@register_part("train")
def _train(folds: Folds, fold: int) -> Sequence[str]:
    return _others(folds, fold)[_validation_size(folds, fold) :]


@register_part("weights")
def _weights(folds: Folds, fold: int) -> Sequence[str]:
    return _train_in_search_order(folds, fold)[0::2]


@register_part("architecture")
def _architecture(folds: Folds, fold: int) -> Sequence[str]:
    return _train_in_search_order(folds, fold)[1::2]


def select_patients(folds: Folds, *, fold: int, part: str) -> tuple[str, ...]:
    """Return the patients of a part, sorted.

    Raises:
        ValueError: if the part is unknown, or the fold does not exist.
    """
    rule = _REGISTRY.require(part)
    if not 0 <= fold < len(folds.folds):
        raise ValueError(
            f"fold is {fold}, but folds run from 0 to {len(folds.folds) - 1}. Change --fold."
        )
    return tuple(sorted(rule(folds, fold)))


def select_cases(cases: Sequence[Case], folds: Folds, *, fold: int, part: str) -> list[Case]:
    """Return the cases of a part's patients, in the order of ``cases``.

    Raises:
        ValueError: if the part or fold is unknown, or the part has no case.
    """
    patients = select_patients(folds, fold=fold, part=part)
    selected = [case for case in cases if case.patient in patients]
    if not selected:
        raise ValueError(
            f"part '{part}' of fold {fold} has no case: {len(cases)} cases were read, "
            f"{len(folds.patients)} patients lie in {len(folds.folds)} folds, {len(patients)} of "
            "them in this part. Use more patients, or another --num_folds or --folds_file."
        )
    return selected


def _others(folds: Folds, fold: int) -> list[str]:
    """Patients outside the test fold, in a seeded order."""
    test = set(folds.folds[fold])
    others = (patient for patient in folds.patients if patient not in test)
    return seeded_order(others, seed=folds.seed, purpose=f"validation of fold {fold}")


def _validation_size(folds: Folds, fold: int) -> int:
    others = len(folds.patients) - len(folds.folds[fold])
    return max(1, round(others * folds.validation_fraction))


def _train_in_search_order(folds: Folds, fold: int) -> list[str]:
    train = _train(folds, fold)
    return seeded_order(train, seed=folds.seed, purpose=f"search halves of fold {fold}")

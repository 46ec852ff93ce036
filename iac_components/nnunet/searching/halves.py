"""The training cases of a fold in two halves by patient: for the weights and the architecture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from iac_components.data.faults import raise_faults
from iac_components.data.layouts.general.case_files import patients_by_table
from iac_components.data.splits.folds import seeded_order

__all__ = ["patients_of", "split_halves"]


def patients_of(cases: Sequence[str], groups: str | Path | None) -> dict[str, str]:
    """Return the patient of each case.

    Args:
        cases: nnU-Net's names.
        groups: table of ``case`` and ``subject_group``; None makes each case a patient of its own.

    Raises:
        DatasetError: if the table cannot be read, or naming all cases that it lacks.
    """
    patients, faults = patients_by_table(cases, None if groups is None else Path(groups))
    raise_faults(faults, subject="The table of groups")
    return dict(patients)


def split_halves(
    cases: Sequence[str], patients: dict[str, str], *, seed: int, fold: int | str
) -> dict[str, list[str]]:
    """Divide cases by patient, in an order that the seed draws.

    Args:
        cases: training cases of the fold.
        patients: of :func:`patients_of`.
        seed: of the search.
        fold: another fold has another order.

    Returns:
        The cases for the ``weights`` and for the ``architecture``, in their order.

    Raises:
        ValueError: if there are fewer than two patients.
    """
    names = {patients[case] for case in cases}
    order = seeded_order(names, seed=seed, purpose=f"search halves of fold {fold}")
    if len(order) < 2:
        raise ValueError(
            f"a search judges its architecture on other patients than its weights, and fold {fold} "
            f"has {len(order)} to train on: use more cases, or check the table of groups."
        )
    halves = {"weights": set(order[0::2]), "architecture": set(order[1::2])}
    return {
        name: [case for case in cases if patients[case] in half] for name, half in halves.items()
    }

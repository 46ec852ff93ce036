"""Remarks on a data set that the table of decisions does not show."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from iac_components.bundling.own_data.decisions.dimensions import choose_dimensions
from iac_components.bundling.own_data.decisions.memory import GIGABYTE
from iac_components.bundling.own_data.reading import DatasetFacts
from iac_components.bundling.own_data.reading.planes import other_planes
from iac_components.bundling.rendering.facts import VOLUMES, known
from iac_components.data import make_folds
from iac_components.data.layouts.decathlon import find_groups
from iac_components.data.splits.folds import stated_folds

__all__ = ["remarks_on"]


def remarks_on(
    facts: DatasetFacts, *, num_folds: int, memory: float, spatial_dims: int = 2
) -> Iterator[str]:
    """Yield a sentence or two for each matter.

    Args:
        facts: of the data set.
        num_folds: as decided.
        memory: gigabytes that were planned for.
        spatial_dims: of the network.
    """
    yield from _dimensions(facts, memory, spatial_dims)
    if spatial_dims == 2 and (others := other_planes(facts.geometry, facts.plane)):
        yield (
            f"{others} of {len(facts.cases)} volumes have much larger voxels along another axis "
            "than across these slices: what the network sees of them is blurred."
        )
    yield from _patients(facts)
    yield from _classes(facts, num_folds)
    healthy = int((~facts.labels.occurs.any(axis=1)).sum())
    if healthy:
        yield (
            f"{healthy} of {len(facts.cases)} cases have no foreground (healthy): they are trained "
            "on, and scored by the false positives in ml."
        )
    if facts.description.classes is None:
        yield (
            "Classes are the values in the label maps. A dataset.json with 'labels' and "
            "'channel_names' would name them, and tell CT, whose values have a unit."
        )


def _dimensions(facts: DatasetFacts, memory: float, spatial_dims: int) -> Iterator[str]:
    found = choose_dimensions(facts, budget=memory * GIGABYTE)
    if spatial_dims == 3:
        yield f"Segmented in 3-D. {found.reason}. For slices: --backbone unet."
        return
    if found.suited == 2:
        slices = "" if facts.are_pictures else f" Cut into {facts.plane.name} slices."
        yield f"2-D: {found.reason}.{slices}"
        return
    yield (
        f"Cut into {facts.plane.name} slices and segmented in 2-D. {found.reason}. For volumes: "
        f"--backbone {' or '.join(known(VOLUMES / 'backbones'))}."
    )


def _patients(facts: DatasetFacts) -> Iterator[str]:
    folder = facts.dataset_dir if facts.dataset_dir.is_dir() else facts.dataset_dir.parent
    if find_groups(folder) is not None:
        yield f"Patients: {facts.num_patients}, from groups.csv."
    elif facts.num_patients == len(facts.cases):
        yield (
            "Patients: no groups.csv, so each case counts as a patient of its own. If a patient "
            "has several cases, write one (case,subject_group), or the folds leak."
        )
    else:
        yield f"Patients: {facts.num_patients}, told by the layout '{facts.layout}'."
    if facts.num_stated_folds:
        yield (
            "Folds are the data set's own. Fold k is tested; validation is drawn from the others, "
            "where Auto3DSeg validates on fold k."
        )
    if facts.num_patients < 5:
        yield (
            f"{facts.num_patients} patients are few: a fold trains on "
            f"{max(1, facts.num_patients - 2)} or fewer. --set fold=all trains on everything, and "
            "tests nothing."
        )


def _classes(facts: DatasetFacts, num_folds: int) -> Iterator[str]:
    """Classes that never occur, or not in every fold."""
    patients = np.array([case.patient for case in facts.cases])
    folds = stated_folds(facts.cases, layout=facts.layout) or make_folds(
        patients.tolist(), layout=facts.layout, num_folds=num_folds
    )
    for number, name in enumerate(facts.classes.names):
        occurs = facts.labels.occurs[:, number]
        if not occurs.any():
            yield f"Class '{name}' occurs in no label map: it is trained and scored on nothing."
            continue
        holders = set(patients[occurs].tolist())
        without = [index for index, fold in enumerate(folds.folds) if not holders & set(fold)]
        if without:
            listed = ", ".join(map(str, without))
            yield (
                f"Class '{name}' occurs in {int(occurs.sum())} of {len(facts.cases)} cases, and "
                f"not in fold(s) {listed}, which cannot score it."
            )

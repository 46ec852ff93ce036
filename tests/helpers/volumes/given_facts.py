"""Facts of a data set, as if they had been read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from iac_components.bundling.own_data.reading.description import DatasetDescription
from iac_components.bundling.own_data.reading.facts import DatasetFacts
from iac_components.bundling.own_data.reading.geometry import Geometry
from iac_components.bundling.own_data.reading.planes import PLANES, choose_plane, median_spacing
from iac_components.bundling.own_data.reading.survey import ImageSample, LabelSurvey
from iac_components.data.case import Case
from iac_components.data.layouts.general.label_classes import LabelClasses


def given_geometry(spacing, size=(100, 100, 20), volumes: int = 3, channels: int = 1) -> Geometry:
    spacings = np.broadcast_to(np.asarray(spacing, dtype=float), (volumes, 3))
    sizes = np.broadcast_to(np.asarray(size, dtype=float), (volumes, 3))
    return Geometry(spacings, sizes, channels)


def given_facts(
    *,
    classes: Sequence[str] = ("liver",),
    channels: Sequence[str] | None = ("CT",),
    spacing=(1.0, 1.0, 1.0),
    size=(64, 64, 20),
    volumes: int = 6,
    plane: str | None = None,
    filled: float = 0.5,
    windows=((-100.0, 240.0),),
    cropped=(1.0, 1.0, 1.0),
    needed=(40.0, 40.0, 20.0),
    values: Sequence[Sequence[int]] | None = None,
    occurs=None,
    folds: Sequence[int | None] | None = None,
    image: str = "a.nii.gz",
) -> DatasetFacts:
    count = len(channels) if channels else 1
    geometry = given_geometry(spacing, size, volumes, count)
    chosen = PLANES[plane] if plane else choose_plane(geometry)
    numbers = values or [(number,) for number in range(1, len(classes) + 1)]
    labels = LabelClasses(tuple(classes), tuple(map(tuple, numbers)))
    present = np.ones((volumes, len(classes)), dtype=bool) if occurs is None else np.array(occurs)
    reach = np.broadcast_to(np.asarray(needed, dtype=float), (volumes, 3))
    return DatasetFacts(
        dataset_dir=Path("data"),
        layout="decathlon",
        description=DatasetDescription(labels, tuple(channels) if channels else None, {}),
        cases=[
            Case(f"p{n}", f"p{n}", Path(image), Path("l.nii.gz"), folds[n] if folds else None)
            for n in range(volumes)
        ],
        geometry=geometry,
        plane=chosen,
        spacing=median_spacing(geometry, chosen),
        labels=LabelSurvey(labels, present, (filled, filled, filled), reach),
        images=ImageSample(5, tuple(windows) * count, float(np.prod(cropped)), cropped),
    )

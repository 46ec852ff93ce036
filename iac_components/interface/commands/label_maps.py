"""Label maps and their references: matched by name, checked together, scored one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm.auto import tqdm

from iac_components.data.case import Case, image_stem, is_image_name
from iac_components.data.checks.pairs import check_pair
from iac_components.data.checks.volumes import Expectation, check_volume
from iac_components.data.faults import DatasetError, Fault, found_in, raise_faults
from iac_components.data.nifti.volume_file import Volume, read_volume
from iac_components.evaluation import CaseRecord, case_metrics, scored_regions

__all__ = ["Pair", "Scoring", "folder_cases", "highest_value", "pair_up", "score"]

PREDICTED = "_seg"
"""Suffix of the names that an inference bundle writes."""


@dataclass(frozen=True)
class Pair:
    """A prediction, and the case with its reference label."""

    case: Case
    prediction: Path


@dataclass(frozen=True)
class Scoring:
    """Rules of a scoring.

    Attributes:
        class_names: of the foreground classes; label i + 1 is ``class_names[i]``.
        regions: label values of each region to score; None scores each class by its own.
        relabel: label value to the one that it counts as, in labels and predictions.
        renumbered: label value to its class, in labels alone.
    """

    class_names: Sequence[str]
    regions: Mapping[str, Sequence[int]] | None = None
    relabel: Mapping[int, int] = field(default_factory=dict)
    renumbered: Mapping[int, int] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Names of the scored classes or regions."""
        return list(scored_regions(self.class_names, self.regions))

    @property
    def expectation(self) -> Expectation:
        """Label values that may occur; a label map may be one slice thick, of any voxel size."""
        values = [*range(len(self.class_names) + 1), *self.relabel, *self.renumbered]
        return Expectation(values, min_size=(1, 1, 1), voxel_size_range=None)


def folder_cases(folder: Path, patients: Mapping[str, str], *, suffix: str = "") -> list[Case]:
    """List the label maps of a plain folder as cases.

    Args:
        folder: holds NIfTI files, one a case.
        patients: case to patient; a case that is not in it is a patient of its own.
        suffix: end of the files' names that is not the case's.

    Raises:
        DatasetError: if it is not a folder or holds no label map.
    """
    files = _nifti_files(folder, "labels")
    names = [image_stem(file).removesuffix(suffix) for file in files]
    return [
        Case(patients.get(name, name), name, file, file)
        for name, file in zip(names, files, strict=True)
    ]


def pair_up(
    predictions: Path, cases: Sequence[Case], *, suffix: str = PREDICTED, common: bool = False
) -> list[Pair]:
    """Find the prediction of every case by its name: the case's, its label's or its image's.

    Args:
        predictions: folder of label maps.
        cases: labelled.
        suffix: end of the predictions' names that may follow the case's.
        common: leave out cases that only one side has.

    Raises:
        DatasetError: naming each file that has no counterpart; if nothing has one; or if two
            predictions are of one case.
    """
    faults: list[Fault] = []
    found: dict[str, Path] = {}
    for file in _nifti_files(predictions, "predictions"):
        stem = image_stem(file)
        for name in dict.fromkeys((stem, stem.removesuffix(suffix))):
            if found.setdefault(name, file) != file:
                problem = f"is of the same case, '{name}', as '{found[name].name}'"
                faults.append(Fault(str(file), problem, "Keep one of the two."))
    raise_faults(faults, subject=f"Predictions '{predictions}'")
    pairs: list[Pair] = []
    for case in cases:
        prediction = next((found[name] for name in _names(case) if name in found), None)
        if prediction is not None:
            pairs.append(Pair(case, prediction))
        elif not common:
            remedy = "Segment it, or pass --common to score what both have."
            faults.append(Fault(str(case.label), "has no prediction", remedy))
    used = {pair.prediction for pair in pairs}
    if not common:
        remedy = "Remove it, or pass --common to score what both have."
        unused = sorted(set(found.values()) - used)
        faults += [Fault(str(file), "has no label", remedy) for file in unused]
    if not pairs:
        raise DatasetError(
            f"no label map in '{predictions}' is named after one of {len(cases)} case(s), such as "
            f"'{cases[0].name}', with or without '{suffix}' at the end. Rename them, or pass "
            "--prediction_suffix and --label_suffix."
        )
    raise_faults(faults, subject=f"Predictions '{predictions}'")
    return pairs


def highest_value(pairs: Iterable[Pair]) -> int:
    """Return the greatest label value of all references, at least 1."""
    values = [1]
    for pair in pairs:
        label = read_volume(str(pair.case.label))
        if isinstance(label, Volume) and not label.has_nonfinite and label.data.size:
            values.append(int(label.data.max()))
    return max(values)


def score(pairs: Sequence[Pair], scoring: Scoring) -> list[CaseRecord]:
    """Check all files, then score every pair in its label's grid.

    Raises:
        DatasetError: naming all that is wrong with all files.
    """
    faults = [fault for pair in _progress(pairs, "Checking") for fault in _faults(pair, scoring)]
    raise_faults(faults, subject=f"{len(pairs)} label map(s)")
    return [record for pair in _progress(pairs, "Scoring") for record in _records(pair, scoring)]


def _progress(pairs: Sequence[Pair], title: str) -> Iterable[Pair]:
    bar: Iterable[Pair] = tqdm(pairs, desc=title, unit="case", disable=None)
    return bar


def _nifti_files(folder: Path, what: str) -> list[Path]:
    if not folder.is_dir():
        raise DatasetError(f"{what} '{folder}' is not a folder. Pass one that holds label maps.")
    files = sorted(path for path in folder.iterdir() if is_image_name(path.name))
    if not files:
        raise DatasetError(
            f"{what} '{folder}' holds no .nii or .nii.gz file, but {found_in(folder)}. Pass the "
            "label maps' own folder; for a data set, also its --layout."
        )
    return files


def _names(case: Case) -> list[str]:
    """List the file names that a case's prediction may have."""
    images = case.image if isinstance(case.image, tuple) else (case.image,)
    stems = [image_stem(path) for path in (*images, case.label) if path is not None]
    return [case.name, *stems]


def _faults(pair: Pair, scoring: Scoring) -> Iterator[Fault]:
    read = [read_volume(str(path)) for path in (pair.case.label, pair.prediction)]
    yield from (volume for volume in read if isinstance(volume, Fault))
    volumes = [volume for volume in read if isinstance(volume, Volume)]
    for volume in volumes:
        for problem, remedy in check_volume(volume, "label", scoring.expectation):
            yield Fault(volume.path, problem, remedy)
    if len(volumes) == 2:
        label, prediction = volumes
        for problem, remedy in check_pair(label, prediction, f"its label '{label.path}'"):
            yield Fault(prediction.path, problem, remedy)


def _records(pair: Pair, scoring: Scoring) -> Iterator[CaseRecord]:
    label, prediction = (_read(path) for path in (pair.case.label, pair.prediction))
    metrics = case_metrics(
        torch.from_numpy(_values(prediction, scoring.relabel)),
        torch.from_numpy(_values(label, {**scoring.relabel, **scoring.renumbered})),
        num_classes=len(scoring.class_names) + 1,
        spacing=np.linalg.norm(label.affine[:3, :3], axis=0).tolist(),
        regions=list(scored_regions(scoring.class_names, scoring.regions).values()),
    )
    for found in metrics:
        yield CaseRecord(
            pair.case.patient,
            pair.case.name,
            found.label,
            scoring.names[found.label - 1],
            found.dice,
            found.hd95,
            found.false_positive_ml,
        )


def _read(path: Path | None) -> Volume:
    volume = read_volume(str(path))
    if isinstance(volume, Fault):
        raise DatasetError(f"'{volume.where}' {volume.problem}. {volume.remedy}")
    return volume


def _values(volume: Volume, counts_as: Mapping[int, int]) -> NDArray[np.int64]:
    values: NDArray[np.int64] = np.rint(volume.data).astype(np.int64)
    result = values.copy()
    for old, new in counts_as.items():
        result[values == old] = new
    return result

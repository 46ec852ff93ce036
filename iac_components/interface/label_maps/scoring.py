"""Pairs of a label map and its reference: checked together, scored one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from iac_components.common.progress_bars import progress_over
from iac_components.data.checks.pairs import check_pair
from iac_components.data.checks.volumes import CONFIGURED, Expectation, check_volume
from iac_components.data.faults import DatasetError, Fault, raise_faults
from iac_components.data.nifti.volume_file import Volume, read_volume
from iac_components.data.nifti.whole_labels import is_whole
from iac_components.evaluation import CaseRecord, case_metrics, scored_regions
from iac_components.interface.label_maps.pairs import Pair

__all__ = ["Scoring", "score", "values_of"]


@dataclass(frozen=True)
class Scoring:
    """Rules of a scoring.

    Attributes:
        class_names: of the foreground classes; label i + 1 is ``class_names[i]``.
        regions: label values of each region to score; None scores each class by its own.
        relabel: label value to the one that it counts as, in labels and predictions.
        renumbered: label value to its class, in labels alone.
        stated_by: what a user sets to have other classes.
    """

    class_names: Sequence[str]
    regions: Mapping[str, Sequence[int]] | None = None
    relabel: Mapping[int, int] = field(default_factory=dict)
    renumbered: Mapping[int, int] = field(default_factory=dict)
    stated_by: str = CONFIGURED

    @property
    def names(self) -> list[str]:
        """Names of the scored classes or regions."""
        return list(scored_regions(self.class_names, self.regions))

    @property
    def expectation(self) -> Expectation:
        """Label values that may occur; a label map may be one slice thick, of any voxel size."""
        values = [*range(len(self.class_names) + 1), *self.relabel, *self.renumbered]
        return Expectation(
            values, min_size=(1, 1, 1), voxel_size_range=None, stated_by=self.stated_by
        )


def values_of(pairs: Iterable[Pair]) -> set[int]:
    """List the label values of all references; of files that cannot be read there are none."""
    values: set[int] = set()
    for pair in pairs:
        label = _read(pair.case.label)
        if isinstance(label, Volume) and not label.has_nonfinite and label.data.size:
            found = np.unique(label.data)
            # Others are faults that the check before the scoring tells.
            values.update(np.rint(found[is_whole(found)]).astype(int).tolist())
    return values


def score(pairs: Sequence[Pair], scoring: Scoring) -> list[CaseRecord]:
    """Check all files, then score every pair in its label's grid.

    Raises:
        DatasetError: naming all that is wrong with all files.
    """
    faults = [fault for pair in _progress(pairs, "Checking") for fault in _faults(pair, scoring)]
    raise_faults(faults, subject=f"{len(pairs)} label map(s)")
    return [record for pair in _progress(pairs, "Scoring") for record in _records(pair, scoring)]


def _progress(pairs: Sequence[Pair], title: str) -> Iterable[Pair]:
    return progress_over(pairs, desc=title)


def _faults(pair: Pair, scoring: Scoring) -> Iterator[Fault]:
    read = [_read(path) for path in (pair.case.label, pair.prediction)]
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
    label, prediction = (_sound(path) for path in (pair.case.label, pair.prediction))
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


def _read(path: Path | None) -> Volume | Fault:
    """Read a label map; as its image may have, it may have axes of one voxel behind the third."""
    volume = read_volume(str(path))
    if isinstance(volume, Fault) or set(volume.data.shape[3:]) != {1}:
        return volume
    return replace(volume, data=volume.data.reshape(volume.data.shape[:3]))


def _sound(path: Path | None) -> Volume:
    volume = _read(path)
    if isinstance(volume, Fault):
        raise DatasetError(f"'{volume.where}' {volume.problem}. {volume.remedy}")
    return volume


def _values(volume: Volume, counts_as: Mapping[int, int]) -> NDArray[np.int64]:
    values: NDArray[np.int64] = np.rint(volume.data).astype(np.int64)
    result = values.copy()
    for old, new in counts_as.items():
        result[values == old] = new
    return result

"""Two halves of patients seen through the new scanner, for searches on kept features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from iac_components.data import Case
from studies.cell_table.rows.patients import slices_of, split_cases
from studies.cell_table.settings import TableSettings
from studies.cell_table.training.features import FeatureSet, encode_slices

__all__ = ["SearchHalves", "load_halves"]

COPIES = 4
"""Augmented copies of every slice of the weights' half."""


@dataclass(frozen=True)
class SearchHalves:
    """Two halves of a search's data; no patient is in both, nor in the table's site or test.

    Attributes:
        weights: augmented.
        architecture: augmented, of other patients.
        judged: slices of the architecture's patients as they are, for audits.
    """

    weights: FeatureSet
    architecture: FeatureSet
    judged: FeatureSet

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """(C, H, W) of each level of features, finest first."""
        return tuple(tuple(level.shape[1:]) for level in self.weights.features)


def load_halves(
    settings: TableSettings,
    backbone: nn.Module,
    dataset_dir: str | Path,
    *,
    shift: str | None,
    patients: int,
) -> SearchHalves:
    """Encode one volume each of ``patients`` home patients for either half.

    Args:
        settings: of the table.
        backbone: trained and frozen.
        dataset_dir: the data set's folder.
        shift: the scanner; None is home.
        patients: of a half.

    Raises:
        ValueError: if the home has too few patients.
    """
    home = split_cases(settings, dataset_dir).home
    first = list({case.patient: case for case in home}.values())[: 2 * patients]
    if len(first) < 2 * patients:
        raise ValueError(f"{settings.name} has {len(first)} home patients, needs {2 * patients}.")

    def encoded(cases: Sequence[Case], *, augmented: bool, seed: int) -> FeatureSet:
        slices = slices_of(settings, cases, augmented=augmented, shift=shift, seed=seed)
        return encode_slices(backbone, slices, copies=COPIES if augmented else 1)

    return SearchHalves(
        encoded(first[::2], augmented=True, seed=3),
        encoded(first[1::2], augmented=True, seed=4),
        encoded(first[1::2], augmented=False, seed=5),
    )

"""Cases of a row: a few for the site, others for the test, and some from home."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from iac_components.adaptation.fitting.cases import SiteCase
from iac_components.data import Case, read_dataset
from studies.adaptation.settings import ShiftSettings
from studies.cell_table.rows.patients import split_cases

__all__ = ["RowCases", "Volumes"]


@dataclass(frozen=True)
class RowCases:
    """Cases of a row; no patient is in two parts, and the network has seen none of them.

    Attributes:
        site: one labelled volume of each of K patients.
        test: up to 20 volumes of the others, as the new scanner shows them.
        home: some of these as the network's own scanner shows them.
    """

    site: list[SiteCase]
    test: list[SiteCase]
    home: list[SiteCase]


class Volumes:
    """Volumes of the patients that the network was not trained with, prepared once.

    Args:
        settings: of the study.
        dataset_dir: the data set as downloaded.
    """

    def __init__(self, settings: ShiftSettings, dataset_dir: str | Path) -> None:
        self._settings = settings
        parts = split_cases(settings.table, dataset_dir)
        unseen = {case.patient for case in (*parts.site, *parts.test)}
        cases = read_dataset(dataset_dir, layout=settings.table.layout)
        self._of: dict[str, list[Case]] = {patient: [] for patient in sorted(unseen)}
        for case in cases:
            if case.patient in unseen:
                self._of[case.patient].append(case)
        self._prepared: dict[str, SiteCase] = {}

    @property
    def patients(self) -> list[str]:
        """All patients that the network has not seen."""
        return list(self._of)

    def draw(self, shift: str, count: int, draw: int) -> RowCases:
        """Draw a row's cases; draws differ in their patients."""
        order = self.patients
        random.Random(f"{count} {draw}").shuffle(order)
        rest = order[count:]
        # One volume of each patient first, then the other sides.
        test = [self._of[patient][0] for patient in rest]
        test += [case for patient in rest for case in self._of[patient][1:]]
        test = test[: self._settings.integer("test_volumes")]
        home = test[: self._settings.integer("home_volumes")]
        return RowCases(
            self._shown([self._of[patient][0] for patient in order[:count]], shift),
            self._shown(test, shift),
            self._shown(home, None),
        )

    def _shown(self, cases: Sequence[Case], shift: str | None) -> list[SiteCase]:
        shown = []
        for case in cases:
            own = self._prepare(case)
            image = own.image
            if shift is not None:
                seed = random.Random(f"{shift} {case.name}").randrange(2**31)
                image = self._settings.shifted(own.image, shift, seed=seed)
            shown.append(SiteCase(own.name, own.patient, image, own.label, own.spacing))
        return shown

    def _prepare(self, case: Case) -> SiteCase:
        if case.name not in self._prepared:
            found = self._settings.table.preprocessing()(case.entry())
            image, label = found["image"], found["label"]
            self._prepared[case.name] = SiteCase(
                case.name,
                case.patient,
                torch.as_tensor(image).as_subclass(torch.Tensor).float().contiguous(),
                torch.as_tensor(label).as_subclass(torch.Tensor)[0].round().long().contiguous(),
                tuple(float(size) for size in image.pixdim),
            )
        return self._prepared[case.name]

"""Common interface of all sources of images and labels, for trainers and evaluators."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from monai.inferers import Inferer
from monai.transforms import Compose
from torch.utils.data import DataLoader

from iac_components.engine import CaseList

__all__ = ["Batches", "Item", "Scoring"]

Item: TypeAlias = Mapping[str, object]


@dataclass(frozen=True)
class Scoring:
    """Parts of an evaluator that depend on its source."""

    loader: DataLoader[Item]
    inferer: Inferer
    postprocessing: Compose


class Batches(ABC):
    """A source in the form that the trainers take.

    Attributes:
        name: of the argument, for messages.
        shape: (C, *S) of an image as the network sees it in training.
        window: (C, *S) of an image as the network sees it in scoring.
        cases: count and digest of its cases, for the record of the run.
        class_names: names of the foreground classes, if it knows them.
        settings: its defining settings as plain values, for the record of the run.
    """

    name: str
    shape: tuple[int, ...]
    cases: CaseList
    window: tuple[int, ...]
    class_names: tuple[str, ...] | None = None
    settings: Mapping[str, object] = {}

    @abstractmethod
    def loader(self, *, batch_size: int | None, seed: int, num_workers: int) -> DataLoader[Item]:
        """Return batches for training; the user's own loader keeps its batch size."""

    @abstractmethod
    def judged(self, *, seed: int) -> object:
        """Return the items that an audit chooses its images from: a dataset, a list or a loader."""

    @abstractmethod
    def scoring(self, *, num_workers: int) -> Scoring:
        """Return every case once, one per batch if the source has no batches of its own."""

"""The cases of a data set by part, with the recipe that makes them a network's input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from iac_components.data import DatalistEntry
from iac_components.interface.api.inputs.recipe import Recipe

__all__ = ["Data", "Part"]


@dataclass(frozen=True)
class Part:
    """The cases of one part of a data set.

    Attributes:
        name: of the part.
        entries: MONAI datalist entries, one a case.
        recipe: settings that turn its volumes into a network's input.
        origin: the options that determine its patients, ``dataset_name`` among them.
        cache_dir: folder of prepared volumes; None holds them in memory.

    Example:
        >>> data.test.name, len(data.test) > 0, data.test.entries[0]["case"][:11]
        ('test', True, 'hippocampus')
    """

    name: str
    entries: tuple[DatalistEntry, ...]
    recipe: Recipe
    origin: Mapping[str, object] = field(default_factory=dict)
    cache_dir: str | Path | None = None

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.entries)


@dataclass(frozen=True)
class Data:
    """A data set divided by patient.

    Attributes:
        recipe: settings that turn volumes into a network's input.
        train: cases for training; ``weights`` and ``architecture`` are its halves.
        validation: cases that choose the best weights.
        test: cases of the test fold, which nothing else uses.
        weights: half of ``train``, for the weights of a search.
        architecture: the other half, for its architecture.

    Example:
        >>> len(data.weights) + len(data.architecture) == len(data.train)
        True
    """

    recipe: Recipe
    train: Part
    validation: Part
    test: Part
    weights: Part
    architecture: Part

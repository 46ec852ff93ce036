"""Labelled cases as a network sees them, and the windows that it is trained with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import pad

__all__ = ["SiteCase", "WindowShape", "Windows"]

MOST_PLACES = 20_000
"""Voxels of a class that are remembered, of each case."""

FOREGROUND_SHARE = 0.75
"""Share of the windows that are laid around a voxel of some class."""


@dataclass(frozen=True)
class SiteCase:
    """An image after preprocessing, with its label on the same grid.

    Attributes:
        name: of the case.
        patient: that it is of; patients are held out as a whole.
        image: ``(C, *S)``.
        label: ``(*S)``, class indices.
        spacing: voxel size in mm along each axis.
    """

    name: str
    patient: str
    image: Tensor
    label: Tensor
    spacing: tuple[float, ...] = ()


@dataclass(frozen=True)
class WindowShape:
    """Window that a network is given at a time.

    Attributes:
        size: of the window; None takes images as a whole.
        slice_axis: axis of a volume that slices are taken across; None for windows of all axes.
    """

    size: tuple[int, ...] | None = None
    slice_axis: int | None = None


@dataclass
class Windows:
    """Windows cut from cases, padded as sliding-window inference pads.

    Args:
        cases: labelled.
        shape: of a window.
    """

    cases: Sequence[SiteCase]
    shape: WindowShape
    _places: list[list[Tensor]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._places = [_places(case.label) for case in self.cases]

    def one(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Cut a window at random: image (C, *s) and class indices (*s)."""
        index = _integer(len(self.cases), generator)
        case, places = self.cases[index], self._places[index]
        centre = torch.tensor([_integer(size, generator) for size in case.label.shape])
        if places and torch.rand(1, generator=generator).item() < FOREGROUND_SHARE:
            of_class = places[_integer(len(places), generator)]
            centre = of_class[_integer(len(of_class), generator)]
        image, label = case.image, case.label
        axis = self.shape.slice_axis
        if axis is not None:
            image, label = (
                image.select(axis + 1, int(centre[axis])),
                label.select(axis, int(centre[axis])),
            )
            centre = torch.cat([centre[:axis], centre[axis + 1 :]])
        if self.shape.size is None:
            return image, label
        return _crop(image, label, centre.tolist(), self.shape.size, generator)


def _places(label: Tensor) -> list[Tensor]:
    """Return voxels of each class that a label shows."""
    found = []
    for value in torch.unique(label).tolist():
        if value > 0:
            places = (label == value).nonzero()
            step = -(-len(places) // MOST_PLACES)
            found.append(places[::step])
    return found


def _integer(bound: int, generator: torch.Generator) -> int:
    return int(torch.randint(bound, (1,), generator=generator))


def _crop(
    image: Tensor,
    label: Tensor,
    centre: Sequence[int],
    size: Sequence[int],
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Cut a window that holds the centre anywhere, after padding on both sides alike."""
    widths: list[int] = []
    for have, want in zip(reversed(label.shape), reversed(size), strict=True):
        missing = max(0, want - have)
        widths += [missing // 2, missing - missing // 2]
    image, label = pad(image, widths), pad(label, widths)
    before = list(reversed(widths[::2]))
    for axis, want in enumerate(size):
        place = centre[axis] + before[axis]
        start = place - _integer(want, generator)
        start = min(max(start, 0), label.shape[axis] - want)
        image, label = image.narrow(axis + 1, start, want), label.narrow(axis, start, want)
    return image, label

"""Windows of cases, cut and augmented once and then used by every training."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from iac_components.adaptation.fitting.augmentation import augment
from iac_components.adaptation.fitting.cases import SiteCase, Windows, WindowShape

__all__ = ["Batch", "PooledWindows", "WindowPool"]

COPIES = 64
"""Windows of a case."""

FEWEST_COPIES = 16
MOST_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Batch:
    """Windows of a step.

    Attributes:
        images: (B, C, *s).
        labels: (B, 1, *s), class indices.
        keys: names of the windows in the pool; None if they were cut for this step only.
    """

    images: Tensor
    labels: Tensor
    keys: tuple[Hashable, ...] | None

    def to(self, device: torch.device) -> Batch:
        """Put images and labels on a device."""
        return Batch(self.images.to(device), self.labels.to(device), self.keys)


class WindowPool:
    """Windows of a site's cases, which all candidates are trained with.

    Cutting and augmenting happen once a window and not once a step, and what a frozen part of the
    network makes of a window can be kept. A case's windows do not depend on the other cases.

    Args:
        cases: all cases of the site.
        shape: of a window.
        seed: of what is drawn.
        augmented: False leaves the windows as they are cut.
    """

    def __init__(
        self,
        cases: Sequence[SiteCase],
        shape: WindowShape,
        *,
        seed: int,
        augmented: bool = True,
    ) -> None:
        self.shape = shape
        self.seed = seed
        self.augmented = augmented
        self.copies = _copies(cases, shape)
        self._windows: dict[str, list[tuple[Tensor, Tensor]]] = {}

    def of(self, cases: Sequence[SiteCase], batch_size: int) -> PooledWindows:
        """Return the windows of some of the cases."""
        return PooledWindows(self, cases, batch_size)

    def make(self, cases: Sequence[SiteCase]) -> None:
        """Make the windows that are kept of some cases, if any are."""
        for case in cases if self.copies else ():
            self.windows(case)

    def windows(self, case: SiteCase) -> list[tuple[Tensor, Tensor]]:
        """Return a case's images (C, *s) and labels (*s), made when they are first asked for."""
        if case.name not in self._windows:
            text = f"{self.seed} {case.name}".encode()
            number = int.from_bytes(hashlib.sha256(text).digest()[:7], "big")
            generator = torch.Generator().manual_seed(number)
            cut = Windows([case], self.shape)
            self._windows[case.name] = [
                self.changed(*cut.one(generator), generator) for _ in range(self.copies)
            ]
        return self._windows[case.name]

    def changed(
        self, image: Tensor, label: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Augment a window, if the pool is augmented."""
        return augment(image, label, generator) if self.augmented else (image, label)


class PooledWindows:
    """Batches of windows of some cases of a pool; of too large a pool, each when needed."""

    def __init__(self, pool: WindowPool, cases: Sequence[SiteCase], batch_size: int) -> None:
        self._pool = pool
        self._cases = cases
        self._batch_size = batch_size
        self._anew = Windows(cases, pool.shape)

    def draw(self, generator: torch.Generator) -> Batch:
        """Draw a batch; images as a whole come one at a time if they differ in size."""
        drawn = [self._one(generator) for _ in range(self._batch_size)]
        same = [one for one in drawn if one[1].shape == drawn[0][1].shape]
        keys, images, labels = zip(*same, strict=True)
        kept = None if None in keys else keys
        return Batch(torch.stack(images), torch.stack(labels)[:, None].long(), kept)

    def _one(self, generator: torch.Generator) -> tuple[Hashable, Tensor, Tensor]:
        if not self._pool.copies:
            return None, *self._pool.changed(*self._anew.one(generator), generator)
        case = self._cases[int(torch.randint(len(self._cases), (1,), generator=generator))]
        number = int(torch.randint(self._pool.copies, (1,), generator=generator))
        return (case.name, number), *self._pool.windows(case)[number]


def _copies(cases: Sequence[SiteCase], shape: WindowShape) -> int:
    """Return how many windows of a case can be kept; 0 if these are too few to learn from."""
    image = cases[0].image
    voxels = torch.Size(shape.size or cases[0].label.shape).numel()
    kept = len(cases) * voxels * (len(image) * image.element_size() + cases[0].label.element_size())
    copies = min(COPIES, MOST_BYTES // kept)
    return copies if copies >= FEWEST_COPIES else 0

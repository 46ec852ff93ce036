"""Losses by patient of any supernet without some of its parts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from iac_components.common.progress_bars import LINE_SECONDS, progress_bar, redraws
from iac_components.common.ranks import average, is_first_rank, require_same
from iac_components.search.evidence.parts import Part
from iac_components.search.evidence.patient_batches import PatientBatch
from iac_components.search.stability_pruning.stability import FloatArray

if TYPE_CHECKING:
    from tqdm.auto import tqdm

__all__ = ["Loss", "LossesByPatient", "evaluating"]

Loss = Callable[[Tensor, Tensor], Tensor]

PATIENCE = 3.0
"""Seconds without a progress bar: most looks at slices are over by then."""


class LossesByPatient(ABC):
    """Losses of every patient with all parts, and without some of them.

    Images are kept as they are, and brought to the device when they are looked at. The supernet is
    judged in eval mode and left in its own. Ranks must be given the same patients, so no rank's
    share of a loader; they average the losses, and so decide alike.

    Args:
        network: the supernet.
        batches: of :func:`group_by_patient`, on any device.
        loss_function: of logits (b, classes, *S) and labels (b, 1, *S) of one patient.
        device: where to compute.

    Raises:
        RankError: if the ranks have different patients.

    Attributes:
        device: where to compute.
        patients: the order of the patients in what :meth:`measure` returns.
        passes: passes so far, by images: part of the search's cost.
    """

    def __init__(
        self,
        network: nn.Module,
        batches: Sequence[PatientBatch],
        loss_function: Loss,
        *,
        device: str | torch.device = "cpu",
    ) -> None:
        self.loss_function = loss_function
        self.batches = list(batches)
        self.patients = tuple(patient for batch in batches for patient in batch.rows)
        require_same(
            "\0".join(self.patients).encode("utf-8"),
            what="the patients that parts are judged on",
            remedy="Group the whole architecture half on every rank.",
        )
        self.passes = 0
        self._judged = network
        self.device = device

    @abstractmethod
    def logits(
        self, number: int, images: Tensor, bundles: Sequence[Sequence[Part]]
    ) -> Iterator[Tensor]:
        """Yield the logits of the images of batch ``number`` without each set of parts."""

    def measure(self, parts: Sequence[Part]) -> tuple[FloatArray, FloatArray]:
        """Return the losses (P,) with everything and (K, P) without each of K parts."""
        losses = self.without([(), *((part,) for part in parts)])
        return losses[0], losses[1:]

    @torch.no_grad()
    def without(self, bundles: Sequence[Sequence[Part]]) -> FloatArray:
        """Return the losses (K, P) without each of K sets of parts; an empty one leaves all in."""
        losses = np.empty((len(bundles), len(self.patients)))
        start = 0
        with evaluating(self._judged), self._progress(len(bundles)) as bar:
            for number, batch in enumerate(self.batches):
                columns = slice(start, start + len(batch.rows))
                images, labels = batch.images.to(self.device), batch.labels.to(self.device)
                for row, logits in enumerate(self.logits(number, images, bundles)):
                    losses[row, columns] = self._losses(logits, labels, batch.rows.values())
                    bar.update(1)
                start = columns.stop
        self.passes += len(bundles) * sum(len(batch.images) for batch in self.batches)
        (averaged,) = average([torch.from_numpy(losses).to(self.device)])
        agreed: FloatArray = averaged.cpu().numpy()
        return agreed

    def _progress(self, count: int) -> tqdm[NoReturn]:
        """Return a bar that is shown after a while: volumes take minutes on a CPU."""
        return progress_bar(
            total=count * len(self.batches),
            desc="judging parts",
            unit="pass",
            delay=PATIENCE if redraws() else LINE_SECONDS,
            leave=False,
            disable=not is_first_rank(),
        )

    def _losses(self, logits: Tensor, labels: Tensor, patients: Iterable[slice]) -> list[float]:
        found = [self.loss_function(logits[rows], labels[rows]).mean() for rows in patients]
        # One copy to the host a pass.
        values: list[float] = torch.stack(found).double().cpu().tolist()
        return values


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into eval mode, and every module of it back into its own mode after."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode

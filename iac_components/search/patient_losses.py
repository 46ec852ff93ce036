"""Losses by patient of a supernet without this part or that: one decoder pass a look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from iac_components.common.ranks import average, require_same
from iac_components.networks.encoder_memo import EncoderMemo
from iac_components.networks.implant import skip_modules
from iac_components.networks.supernet import CellSearchNetwork
from iac_components.networks.untreated import UnchangedSkip, ZeroSkip
from iac_components.search.parts import PART_KINDS, Part, living_parts, weights_without
from iac_components.search.stability import FloatArray

__all__ = ["PatientBatch", "PatientLosses", "group_by_patient"]

Loss = Callable[[Tensor, Tensor], Tensor]

_WHOLE = {"cell": UnchangedSkip(), "skip": ZeroSkip()}
"""What stands in for a level's module while a part of that kind is left out."""


@dataclass(frozen=True)
class PatientBatch:
    """Images of some patients, each of them whole.

    Attributes:
        images: (B, C, *S).
        labels: (B, 1, *S).
        rows: the rows of each patient.
    """

    images: Tensor
    labels: Tensor
    rows: Mapping[str, slice]


def group_by_patient(
    batches: Iterable[Mapping[str, object]], *, images_a_patient: int, batch_size: int
) -> list[PatientBatch]:
    """Go once through a loader and keep a few images of each patient.

    Args:
        batches: each with ``image`` (B, C, *S), ``label`` (B, 1, *S) and ``patient``, B names.
        images_a_patient: at most; of more, evenly spaced ones in the loader's order.
        batch_size: images in a batch, unless one patient has more.

    Raises:
        ValueError: if a number is not positive, or there is no image.
    """
    if images_a_patient < 1 or batch_size < 1:
        raise ValueError(
            "images_a_patient and batch_size must be at least 1, got "
            f"{images_a_patient} and {batch_size}."
        )
    found: dict[str, list[tuple[Tensor, Tensor]]] = {}
    for batch in batches:
        images, labels = (torch.as_tensor(batch[key]) for key in ("image", "label"))
        for patient, *pair in zip(
            cast(Sequence[str], batch["patient"]), images, labels, strict=True
        ):
            found.setdefault(patient, []).append((pair[0], pair[1]))
    if not found:
        raise ValueError("the loader of the architecture half has no image to judge parts on.")
    chosen = {patient: _spaced(found[patient], images_a_patient) for patient in sorted(found)}
    return [_join(group) for group in _packed(chosen, batch_size)]


class PatientLosses:
    """Losses of every patient with all parts, and without each of some.

    Of a frozen backbone the encoder's features are computed once, here, and kept: a look then costs
    a decoder pass. Images are kept as they are, so augmentation is that of the pass in which they
    were grouped. The supernet is judged in eval mode and left in its own. Ranks must be given the
    same patients, so no rank's share of a loader; they average the losses, and so decide alike.

    Args:
        network: the supernet.
        batches: of :func:`group_by_patient`, on any device.
        loss_function: of logits (b, classes, *S) and labels (b, 1, *S) of one patient.
        device: where to compute.

    Raises:
        RankError: if the ranks have different patients.

    Attributes:
        patients: the order of the patients in what :meth:`measure` returns.
        passes: decoder passes so far, by images: part of the search's cost.
    """

    def __init__(
        self,
        network: CellSearchNetwork,
        batches: Sequence[PatientBatch],
        loss_function: Loss,
        *,
        device: str | torch.device = "cpu",
    ) -> None:
        self.network = network
        self.loss_function = loss_function
        self.batches = [
            PatientBatch(batch.images.to(device), batch.labels.to(device), batch.rows)
            for batch in batches
        ]
        self.patients = tuple(patient for batch in batches for patient in batch.rows)
        require_same(
            "\0".join(self.patients).encode("utf-8"),
            what="the patients that parts are judged on",
            remedy="Group the whole architecture half on every rank.",
        )
        self._device = device
        self.passes = 0
        self._memo = EncoderMemo(network) if network.frozen_backbone else None
        if self._memo is not None:
            with _evaluating(network):
                for number, batch in enumerate(self.batches):
                    self._memo.record(str(number), batch.images)

    @property
    def levels(self) -> int:
        """Number of levels, each with a cell at the start."""
        return len(self.network.treatments)

    def living_parts(self, kinds: Sequence[str] = PART_KINDS) -> list[Part]:
        """List what can be left out of the supernet as it is now."""
        return living_parts(
            self.network.space,
            self.network.alive.cpu().numpy(),
            kinds=kinds,
            cells=self.levels,
            skips=self.network.skips,
            treatments=self.network.treatments.tolist(),
        )

    def measure(self, parts: Sequence[Part]) -> tuple[FloatArray, FloatArray]:
        """Return the losses (P,) with everything and (K, P) without each of K parts."""
        losses = self.without([(), *((part,) for part in parts)])
        return losses[0], losses[1:]

    @torch.no_grad()
    def without(self, bundles: Sequence[Sequence[Part]]) -> FloatArray:
        """Return the losses (K, P) without each of K sets of parts; an empty one leaves all in."""
        losses = np.empty((len(bundles), len(self.patients)))
        start = 0
        with _evaluating(self.network):
            for number, batch in enumerate(self.batches):
                columns = slice(start, start + len(batch.rows))
                recalling = (
                    nullcontext() if self._memo is None else self._memo.recalling(str(number))
                )
                with recalling:
                    for row, parts in enumerate(bundles):
                        losses[row, columns] = self._look(batch, parts)
                start = columns.stop
        self.passes += len(bundles) * sum(len(batch.images) for batch in self.batches)
        (averaged,) = average([torch.from_numpy(losses).to(self._device)])
        agreed: FloatArray = averaged.cpu().numpy()
        return agreed

    def _look(self, batch: PatientBatch, parts: Sequence[Part]) -> list[float]:
        cells = skip_modules(self.network.backbone)
        weights = self.network.distributions()
        with ExitStack() as stack:
            for part in parts:
                weights = weights_without(part, weights, space=self.network.space)
                stack.enter_context(_left_out(part, cells))
            stack.enter_context(self.network.slot.holding(weights))
            return self._losses(batch, self.network.backbone(batch.images))

    def _losses(self, batch: PatientBatch, logits: Tensor) -> list[float]:
        found = [
            self.loss_function(logits[rows], batch.labels[rows]).mean()
            for rows in batch.rows.values()
        ]
        # One copy to the host a pass.
        values: list[float] = torch.stack(found).double().cpu().tolist()
        return values


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def _left_out(part: Part, cells: Sequence[nn.Module]) -> Iterator[None]:
    """Let a level's skip pass as it is without its cell, or give zeros without the skip."""
    with ExitStack() as stack:
        if part.kind in _WHOLE:
            # An attribute of the instance is found before the class's method; to put another
            # module in its place would change the network's parameters.
            cell = cells[part.level]
            cell.__dict__["forward"] = _WHOLE[part.kind].forward
            stack.callback(cell.__dict__.pop, "forward")
        yield


def _spaced(pairs: list[tuple[Tensor, Tensor]], count: int) -> list[tuple[Tensor, Tensor]]:
    rows = np.linspace(0, len(pairs) - 1, min(count, len(pairs))).round().astype(int)
    return [pairs[row] for row in rows]


def _packed(
    chosen: Mapping[str, list[tuple[Tensor, Tensor]]], batch_size: int
) -> Iterator[dict[str, list[tuple[Tensor, Tensor]]]]:
    group: dict[str, list[tuple[Tensor, Tensor]]] = {}
    for patient, pairs in chosen.items():
        if group and sum(map(len, group.values())) + len(pairs) > batch_size:
            yield group
            group = {}
        group[patient] = pairs
    yield group


def _join(group: Mapping[str, list[tuple[Tensor, Tensor]]]) -> PatientBatch:
    rows, start = {}, 0
    for patient, pairs in group.items():
        rows[patient] = slice(start, start + len(pairs))
        start += len(pairs)
    images, labels = zip(*(pair for pairs in group.values() for pair in pairs), strict=True)
    return PatientBatch(torch.stack(images), torch.stack(labels), rows)

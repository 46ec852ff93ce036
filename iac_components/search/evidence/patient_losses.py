"""Losses by patient of a supernet of cells without some parts: one decoder pass a look."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext

import torch
from torch import Tensor, nn

from iac_components.common.available_memory import available_memory
from iac_components.networks.encoder_memo import EncoderMemo
from iac_components.networks.implanting.implant import skip_modules
from iac_components.networks.implanting.untreated import UnchangedSkip, ZeroSkip
from iac_components.networks.supernet import CellSearchNetwork
from iac_components.search.evidence.losses_by_patient import Loss, LossesByPatient, evaluating
from iac_components.search.evidence.parts import PART_KINDS, Part, living_parts, weights_without
from iac_components.search.evidence.patient_batches import PatientBatch, group_by_patient

__all__ = ["PatientBatch", "PatientLosses", "group_by_patient"]


_LOGGER = logging.getLogger(__name__)

FEATURES_SHARE = 0.25
"""Of the device's free memory before the search: the training still needs its part."""

_WHOLE = {"cell": UnchangedSkip(), "skip": ZeroSkip()}
"""Stand-ins for a level's module while a part of that kind is left out."""


class PatientLosses(LossesByPatient):
    """Losses by patient of a supernet of cells.

    Of a frozen backbone the encoder's features are computed once, here, and kept, as far as a
    quarter of the device's free memory holds them: a look then costs a decoder pass. Augmentation
    is that of the pass in which the images were grouped.

    Args:
        network: the supernet.
        batches: of :func:`group_by_patient`, on any device.
        loss_function: of logits (b, classes, *S) and labels (b, 1, *S) of one patient.
        device: where to compute.

    Raises:
        RankError: if the ranks have different patients.
    """

    def __init__(
        self,
        network: CellSearchNetwork,
        batches: Sequence[PatientBatch],
        loss_function: Loss,
        *,
        device: str | torch.device = "cpu",
    ) -> None:
        super().__init__(network, batches, loss_function, device=device)
        self.network = network
        self._memo = self._recorded() if network.frozen_backbone else None

    def _recorded(self) -> EncoderMemo:
        most = int(available_memory(self.device) * FEATURES_SHARE)
        memo = EncoderMemo(self.network, most_bytes=most)
        with evaluating(self.network):
            for number, batch in enumerate(self.batches):
                if not memo.record(str(number), batch.images.to(self.device)):
                    _LOGGER.info(
                        "Features of the frozen encoder are kept for %d of %d batches of judged "
                        "images (%.1f GB); of the others they are computed at each look.",
                        number,
                        len(self.batches),
                        memo.kept_bytes / 1e9,
                    )
                    break
        return memo

    @property
    def levels(self) -> int:
        """Number of levels, each with a cell at the start."""
        return len(self.network.treatments)

    def living_parts(self, kinds: Sequence[str] = PART_KINDS) -> list[Part]:
        """List the parts that can be left out of the current supernet."""
        return living_parts(
            self.network.space,
            self.network.alive.cpu().numpy(),
            kinds=kinds,
            cells=self.levels,
            skips=self.network.skips,
            treatments=self.network.treatments.tolist(),
        )

    def logits(
        self, number: int, images: Tensor, bundles: Sequence[Sequence[Part]]
    ) -> Iterator[Tensor]:
        """See :meth:`LossesByPatient.logits`."""
        with nullcontext() if self._memo is None else self._memo.recalling(str(number)):
            for parts in bundles:
                yield self._look(images, parts)

    def _look(self, images: Tensor, parts: Sequence[Part]) -> Tensor:
        cells = skip_modules(self.network.backbone)
        weights = self.network.distributions()
        with ExitStack() as stack:
            for part in parts:
                weights = weights_without(part, weights, space=self.network.space)
                stack.enter_context(_left_out(part, cells))
            stack.enter_context(self.network.slot.holding(weights))
            logits: Tensor = self.network.backbone(images)
        return logits


@contextmanager
def _left_out(part: Part, cells: Sequence[nn.Module]) -> Iterator[None]:
    """Let a level's skip pass unchanged without its cell, or give zeros without the skip."""
    with ExitStack() as stack:
        if part.kind in _WHOLE:
            # An attribute of the instance is found before the class's method; to put another
            # module in its place would change the network's parameters.
            cell = cells[part.level]
            cell.__dict__["forward"] = _WHOLE[part.kind].forward
            stack.callback(cell.__dict__.pop, "forward")
        yield

"""Training and search steps on batches of noise, ready to be timed or weighed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from monai.engines import SupervisedTrainer
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset

from iac_components.networks import CellSearchNetwork
from iac_components.search import CellSearchTrainer

__all__ = ["Batch", "Loss", "SearchStep", "TrainingStep", "noise_batch", "one_batch_loader"]

Batch = dict[str, torch.Tensor]
Loss: TypeAlias = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def noise_batch(shape: Sequence[int], *, classes: int, device: torch.device) -> Batch:
    """Random images (B, C, *S) and labels (B, 1, *S)."""
    labels = torch.randint(classes, (shape[0], 1, *shape[2:]), device=device)
    return {"image": torch.randn(*shape, device=device), "label": labels.float()}


class _OneBatch(Dataset[Batch]):
    """A single batch, which can be exchanged."""

    def __init__(self) -> None:
        self.batch: Batch = {}

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Batch:
        return self.batch


def one_batch_loader() -> DataLoader[Batch]:
    """Return a loader for callers that ask for one but are handed their batches otherwise."""
    return DataLoader(_OneBatch(), batch_size=None)


class SearchStep:
    """One iteration of :class:`CellSearchTrainer`: a weight step, then an architecture step.

    Args:
        network: the supernet, on its device.
        loss: of (prediction, label).
        optimizer: of the weights.
        architecture_optimizer: of the architecture parameters.
        amp: mixed precision.
        handlers: Ignite handlers that listen to the parts of an iteration.
    """

    def __init__(
        self,
        network: CellSearchNetwork,
        *,
        loss: Loss,
        optimizer: Optimizer,
        architecture_optimizer: Optimizer,
        amp: bool = False,
        handlers: Sequence[object] = (),
    ) -> None:
        self._held = _OneBatch()
        loader = DataLoader(self._held, batch_size=None)
        self.trainer = CellSearchTrainer(
            next(network.parameters()).device,
            1,
            loader,
            network,
            optimizer,
            loss,
            architecture_data_loader=loader,
            architecture_optimizer=architecture_optimizer,
            train_handlers=handlers,
            amp=amp,
        )
        # Past the warm-up, which is none.
        self.trainer.state.epoch = self.trainer.state.iteration = 1

    def __call__(self, batch: Batch, architecture_batch: Batch) -> None:
        """Train the weights on one batch and the architecture on the other."""
        self._held.batch = architecture_batch
        self.trainer._iteration(self.trainer, batch)


class TrainingStep:
    """One iteration of MONAI's trainer, which the plain backbone is trained by.

    Args:
        network: on its device.
        loss: of (prediction, label).
        optimizer: of all weights.
        amp: mixed precision.
    """

    def __init__(
        self, network: nn.Module, *, loss: Loss, optimizer: Optimizer, amp: bool = False
    ) -> None:
        self.trainer = SupervisedTrainer(
            device=next(network.parameters()).device,
            max_epochs=1,
            train_data_loader=one_batch_loader(),
            network=network,
            optimizer=optimizer,
            loss_function=loss,
            decollate=False,
            optim_set_to_none=True,
            amp=amp,
        )

    def __call__(self, batch: Batch, _: Batch) -> None:
        """Train on the first batch; a search's step takes two."""
        self.trainer._iteration(self.trainer, batch)

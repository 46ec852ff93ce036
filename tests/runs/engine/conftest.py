"""A linear model, its trainer, and batches that say what they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from monai.engines import SupervisedTrainer
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Numbers(Dataset):
    """Eight rows of four numbers."""

    def __init__(self) -> None:
        self.rows = torch.randn(8, 4, generator=torch.Generator().manual_seed(1))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"image": self.rows[index], "label": self.rows[index].sum().reshape(1)}


def make(handlers: Sequence[object] = (), *, epochs: int = 3, width: int = 4) -> SupervisedTrainer:
    """Train ``trainer.network`` for epochs of four steps."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, width), nn.Dropout(0.5), nn.Linear(width, 1))
    return SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=epochs,
        train_data_loader=DataLoader(Numbers(), batch_size=2, shuffle=True),
        network=network,
        optimizer=torch.optim.Adam(network.parameters(), lr=0.1),
        loss_function=nn.MSELoss(),
        train_handlers=handlers,
        decollate=False,
    )


@pytest.fixture
def make_trainer() -> Callable[..., SupervisedTrainer]:
    return make

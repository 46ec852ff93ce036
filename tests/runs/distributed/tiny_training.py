"""A training of four numbers on several ranks, and digests of its results."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import ignite.distributed as idist
import torch
from monai.engines import SupervisedTrainer
from torch import nn
from torch.utils.data import DataLoader

from iac_components.common.ranks import (
    RankError,
)
from iac_components.engine import (
    CheckpointError,
    FolderInUseError,
)

Findings = dict[str, object]


def digest(tensors: Iterable[torch.Tensor]) -> str:
    content = b"".join(tensor.detach().cpu().contiguous().numpy().tobytes() for tensor in tensors)
    return hashlib.sha256(content).hexdigest()


def message(action: Callable[[], object]) -> str:
    """With what the action fails."""
    try:
        action()
    except (RankError, CheckpointError, FolderInUseError) as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


class Rows(torch.utils.data.Dataset):
    """Rows of four numbers; a NaN anywhere makes that row's loss NaN."""

    def __init__(self, rows: torch.Tensor) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"image": self.rows[index], "label": self.rows[index].sum().reshape(1)}


class Network(nn.Module):
    """Used by all ranks, by the second alone, by none, and frozen."""

    def __init__(self, norm: bool = False) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4) if norm else nn.Identity()
        self.all, self.second = nn.Linear(4, 1), nn.Linear(4, 1)
        self.nobody, self.frozen = nn.Linear(4, 1), nn.Linear(4, 1).requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(x)
        y = self.all(x) + self.frozen(x)
        return y + self.second(x) if idist.get_rank() == 1 else y


def train(
    rows: torch.Tensor, handlers: Callable[[nn.Module], list[object]], *, norm: bool = False
) -> SupervisedTrainer:
    """Two epochs from weights that differ between the ranks, on rows of each rank's own."""
    torch.manual_seed(idist.get_rank())
    network = Network(norm)
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=2,
        train_data_loader=DataLoader(Rows(rows), batch_size=2),
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=0.1),
        loss_function=nn.MSELoss(),
        train_handlers=handlers(network),
        decollate=False,
        optim_set_to_none=True,
    )
    trainer.start = [p.clone() for p in network.parameters()]
    return trainer

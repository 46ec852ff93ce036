"""One small search twice: by our trainer and by the plain one of the studies."""

from __future__ import annotations

import torch
from monai.losses import DiceCELoss
from monai.networks.nets import DynUNet
from torch.utils.data import Dataset

from iac_components.data import epoch_loader
from iac_components.engine import EpochSeeding
from iac_components.networks import CellSearchNetwork
from iac_components.networks.implanting.implant import skip_modules
from iac_components.search import (
    CellSearchTrainer,
    JensenShannonStability,
    SearchTrace,
    StabilityPruningHandler,
)
from iac_components.search_space import DEFAULT_OPERATIONS
from studies.measuring.clock import StepClock
from studies.search_cost.searches.yardstick import PlainSearch, plain_supernet

__all__ = ["Images", "make_supernet", "our_search", "plain_search"]

LOSS = DiceCELoss(to_onehot_y=True, softmax=True)


class Images(Dataset):
    """Items drawn by seed and epoch, as those of the bundles."""

    def __init__(self, seed: int) -> None:
        self.seed, self.epoch = seed, 0

    def __len__(self) -> int:
        return 6

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        draw = torch.Generator().manual_seed(1000 * self.seed + 100 * self.epoch + index)
        image = torch.randn(1, 8, 8, generator=draw, dtype=torch.float64)
        return {"image": image, "label": (image > 0.5).double()}


def make_supernet(
    *, spatial_dims: int = 2, operations: tuple[str, ...] = DEFAULT_OPERATIONS, **options: object
) -> CellSearchNetwork:
    """A supernet in float64 whose cells do something: their last scale is not zero."""
    torch.manual_seed(0)
    backbone = DynUNet(
        spatial_dims,
        1,
        2,
        kernel_size=[3, 3, 3],
        strides=[1, 2, 2],
        upsample_kernel_size=[2, 2],
        filters=[8, 16, 8],
        norm_name="batch",
    )
    shape = (1, 1, *[8] * spatial_dims)
    options = {"num_nodes": 2, **options}
    network = CellSearchNetwork(backbone, operations=operations, input_shape=shape, **options)
    with torch.no_grad():
        for cell in skip_modules(network):
            cell.scale.fill_(0.5)
        for parameter in network.architecture_parameters():
            parameter.normal_()
    return network.double()


def loaders() -> tuple:
    return tuple(epoch_loader(Images(seed), batch_size=2, seed=seed) for seed in (0, 1))


def optimizers(network: CellSearchNetwork) -> dict[str, torch.optim.Optimizer]:
    return {
        "optimizer": torch.optim.AdamW(network.weight_parameters(), lr=1e-3),
        "architecture_optimizer": torch.optim.SGD(network.architecture_parameters(), lr=5.0),
    }


OPERATIONS = ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3")


def plain_search(**options: object) -> PlainSearch:
    network = plain_supernet(make_supernet(operations=OPERATIONS))
    weights, architecture = loaders()
    options = {"warmup_epochs": 1, "epoch_length": 4, **options}
    return PlainSearch(
        network,
        LOSS,
        **optimizers(network),
        weight_loader=weights,
        architecture_loader=architecture,
        **options,
    )


def our_search(clock: StepClock | None = None) -> tuple[CellSearchTrainer, SearchTrace]:
    network = make_supernet(operations=OPERATIONS)
    weights, architecture = loaders()
    trace = SearchTrace(network.space)
    handler = StabilityPruningHandler(
        network, trace, JensenShannonStability(), keep_schedule=(), edge_schedule=()
    )
    trainer = CellSearchTrainer(
        "cpu",
        3,
        weights,
        network,
        loss_function=LOSS,
        architecture_data_loader=architecture,
        warmup_epochs=1,
        epoch_length=4,
        train_handlers=[
            *([] if clock is None else [clock]),
            EpochSeeding([weights, architecture]),
            handler,
        ],
        **optimizers(network),
    )
    return trainer, trace

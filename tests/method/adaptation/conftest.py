"""Small networks of every type that an adapter must serve, plain and with cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest
import torch
from monai.networks.nets import (
    BasicUNet,
    DynUNet,
    FlexibleUNet,
    SegResNet,
    SwinUNETR,
    UNet,
)
from scripted import scripted
from torch import Tensor, nn

from iac_components.adaptation.candidates.skips import small_cell
from iac_components.networks import ImplantedNetwork, implant_genotype


@dataclass(frozen=True)
class Base:
    """A network and the shape of its input."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]

    def network(self, seed: int = 0) -> nn.Module:
        torch.manual_seed(seed)
        network = self.build().eval()
        for module in network.modules():  # as after a training
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2.0)
        return network

    def image(self, seed: int = 7) -> Tensor:
        return torch.rand(self.shape, generator=torch.Generator().manual_seed(seed))


def _dyn(dims: int) -> nn.Module:
    sizes = {"kernel_size": [3] * 3, "strides": [1, 2, 2], "upsample_kernel_size": [2, 2]}
    return DynUNet(dims, 1, 3, **sizes, filters=[8, 12, 16], deep_supervision=False)


def _swin(dims: int) -> nn.Module:
    tiny = {"depths": (1, 1, 1, 1), "num_heads": (1, 1, 1, 1), "window_size": 2}
    norm = ("group", {"num_groups": 2})
    return SwinUNETR(1, 3, feature_size=12, norm_name=norm, spatial_dims=dims, **tiny)


def _segresnet(dims: int) -> nn.Module:
    return SegResNet(dims, 8, 1, 3, blocks_down=(1, 1, 2), blocks_up=(1, 1))


def _implanted() -> nn.Module:
    network = BasicUNet(2, 1, 3, (8, 8, 12, 16, 20, 8))
    return ImplantedNetwork(implant_genotype(network, small_cell(2)))


def _basic(dims: int) -> nn.Module:
    return BasicUNet(dims, 1, 3, (8, 8, 12, 16, 20, 8))


def _unet(dims: int, **options: object) -> nn.Module:
    return UNet(dims, 1, 3, (8, 12, 16), (2, 2), num_res_units=1, **options)


BASES = {
    "basic_2d": Base(partial(_basic, 2), (1, 1, 32, 32)),
    "basic_3d": Base(partial(_basic, 3), (1, 1, 32, 32, 32)),
    "unet_2d": Base(partial(_unet, 2), (1, 1, 32, 32)),
    "unet_3d_batch": Base(partial(_unet, 3, norm="batch"), (1, 1, 16, 16, 16)),
    "segresnet_2d": Base(partial(_segresnet, 2), (1, 1, 16, 16)),
    "segresnet_3d": Base(partial(_segresnet, 3), (1, 1, 8, 8, 8)),
    "dynunet_2d": Base(partial(_dyn, 2), (1, 1, 32, 32)),
    "dynunet_3d": Base(partial(_dyn, 3), (1, 1, 16, 16, 16)),
    "flexible_2d": Base(
        partial(FlexibleUNet, 1, 3, "resnet18", decoder_channels=(32, 16, 8, 8, 4)), (1, 1, 32, 32)
    ),
    "flexible_3d": Base(
        partial(FlexibleUNet, 1, 3, "resnet10", decoder_channels=(32, 16, 8, 8, 4), spatial_dims=3),
        (1, 1, 32, 32, 32),
    ),
    "swin_2d": Base(partial(_swin, 2), (1, 1, 32, 32)),
    "swin_3d": Base(partial(_swin, 3), (1, 1, 32, 32, 32)),
    "with_cells": Base(_implanted, (1, 1, 32, 32)),
}


IN_TORCHSCRIPT = [
    ("unet_3d_batch", "script"),
    ("unet_3d_batch", "trace"),
    ("basic_2d", "script"),
    ("basic_2d", "trace"),
    # These hold every block under two names.
    ("dynunet_2d", "script"),
    ("dynunet_2d", "trace"),
    ("segresnet_2d", "script"),
    # Layer norms; MONAI's code for it cannot be scripted.
    ("swin_2d", "trace"),
]

FLAT = [name for name in BASES if "_3d" not in name]


@pytest.fixture(params=BASES)
def any_base(request: pytest.FixtureRequest) -> Base:
    return BASES[request.param]


@pytest.fixture(params=FLAT)
def base(request: pytest.FixtureRequest) -> Base:
    return BASES[request.param]


@pytest.fixture(params=IN_TORCHSCRIPT, ids="-".join)
def twins(request: pytest.FixtureRequest) -> tuple[Base, nn.Module, torch.jit.ScriptModule]:
    """A base, its network in Python, and the same in TorchScript."""
    name, way = request.param
    base = BASES[name]
    network = base.network()
    return base, network, scripted(network, base.image(), way)


@pytest.fixture
def basic() -> Base:
    return BASES["basic_2d"]


@pytest.fixture
def batch_norms() -> Base:
    return BASES["unet_3d_batch"]

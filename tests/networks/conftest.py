"""Every supported network, tiny, and a skip module that starts as the identity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import pytest
import torch
from monai.networks.layers.factories import Conv
from monai.networks.nets import UNETR, BasicUNet, DynUNet, FlexibleUNet, SwinUNETR
from torch import Tensor, nn
from torch.nn.functional import interpolate

from iac_components.networks import MakeSkipModule, SkipConnection, plan_nnunet


@dataclass(frozen=True)
class Case:
    """A network, its input, and its skips from fine to coarse as (name, skip, gate channels)."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    skips: tuple[tuple[str, int, int], ...]
    random_in_training: bool = False

    def network(self, seed: int = 0) -> nn.Module:
        torch.manual_seed(seed)
        return self.build().eval()

    def image(self) -> Tensor:
        return torch.rand(self.shape, generator=torch.Generator().manual_seed(7))


def _basic(dims: int) -> Callable[[], nn.Module]:
    return partial(BasicUNet, dims, 1, 2, (3, 4, 6, 8, 10, 5))


def _flexible(backbone: str, dims: int) -> Callable[[], nn.Module]:
    decoder = (16, 12, 10, 8, 4)
    return partial(FlexibleUNet, 1, 2, backbone, decoder_channels=decoder, spatial_dims=dims)


def _dyn(dims: int, deep: bool) -> Callable[[], nn.Module]:
    sizes = {"kernel_size": [3] * 4, "strides": [1, 2, 2, 2], "upsample_kernel_size": [2, 2, 2]}
    heads = {"deep_supervision": deep, "deep_supr_num": 2}
    return partial(DynUNet, dims, 1, 2, **sizes, filters=[4, 6, 8, 10], **heads)


def _planned(patch: tuple[int, ...], spacing: tuple[float, ...]) -> nn.Module:
    plan = plan_nnunet(patch, spacing=spacing, base_features=3, max_features=8)
    return DynUNet(
        len(patch),
        1,
        2,
        kernel_size=plan.kernel_size,
        strides=plan.strides,
        upsample_kernel_size=plan.upsample_kernel_size,
        filters=plan.filters,
        deep_supervision=True,
        deep_supr_num=plan.deep_supr_num,
    )


def _unetr(dims: int) -> Callable[[], nn.Module]:
    hidden = {"hidden_size": 12, "mlp_dim": 16, "num_heads": 2}
    return partial(UNETR, 1, 2, 32, feature_size=4, **hidden, spatial_dims=dims)


def _swin(dims: int) -> Callable[[], nn.Module]:
    tiny = {"depths": (1, 1, 1, 1), "num_heads": (1, 1, 1, 1), "window_size": 2}
    norm = ("group", {"num_groups": 2})  # an instance norm cannot take the one voxel at the bottom
    return partial(SwinUNETR, 1, 2, feature_size=12, norm_name=norm, spatial_dims=dims, **tiny)


BASIC = (("upcat_1", 3, 4), ("upcat_2", 4, 6), ("upcat_3", 6, 8), ("upcat_4", 8, 10))
RESNET = tuple(
    (f"decoder.blocks.{3 - i}", s, g)
    for i, (s, g) in enumerate([(64, 10), (64, 12), (128, 16), (256, 512)])
)
EFFICIENT = tuple(
    (f"decoder.blocks.{3 - i}", s, g)
    for i, (s, g) in enumerate([(16, 10), (24, 12), (40, 16), (112, 320)])
)
DYN = (("upsamples.2", 4, 6), ("upsamples.1", 6, 8), ("upsamples.0", 8, 10))
PLANNED_2D = tuple(
    (f"upsamples.{3 - i}", s, g) for i, (s, g) in enumerate(pairwise((3, 6, 8, 8, 8)))
)
PLANNED_3D = (("upsamples.2", 3, 6), ("upsamples.1", 6, 8), ("upsamples.0", 8, 8))
TRANSFORMER = (("decoder2", 4, 8), ("decoder3", 8, 16), ("decoder4", 16, 32), ("decoder5", 32, 12))
SWIN = (
    ("decoder1", 12, 12),
    ("decoder2", 12, 24),
    ("decoder3", 24, 48),
    ("decoder4", 48, 96),
    ("decoder5", 96, 192),
)

CASES = {
    "basic_2d": Case(_basic(2), (1, 1, 32, 32), BASIC),
    "basic_2d_odd": Case(_basic(2), (1, 1, 37, 45), BASIC),
    "basic_3d": Case(_basic(3), (1, 1, 33, 35, 32), BASIC),
    "resnet18_2d": Case(_flexible("resnet18", 2), (2, 1, 64, 64), RESNET),
    "resnet10_3d": Case(_flexible("resnet10", 3), (2, 1, 32, 32, 32), RESNET),
    "efficientnet_2d": Case(_flexible("efficientnet-b0", 2), (1, 1, 64, 64), EFFICIENT, True),
    "dynunet_2d": Case(_dyn(2, False), (1, 1, 32, 32), DYN),
    "dynunet_2d_deep": Case(_dyn(2, True), (1, 1, 32, 32), DYN),
    "dynunet_3d": Case(_dyn(3, False), (1, 1, 16, 16, 16), DYN),
    "dynunet_3d_deep": Case(_dyn(3, True), (1, 1, 16, 16, 16), DYN),
    "planned_2d": Case(partial(_planned, (64, 80), (1.0, 1.0)), (1, 1, 64, 80), PLANNED_2D),
    "planned_3d": Case(
        partial(_planned, (8, 32, 32), (5.0, 1.0, 1.0)), (1, 1, 8, 32, 32), PLANNED_3D
    ),
    "unetr_2d": Case(_unetr(2), (1, 1, 32, 32), TRANSFORMER),
    "unetr_3d": Case(_unetr(3), (1, 1, 32, 32, 32), TRANSFORMER),
    "swin_2d": Case(_swin(2), (1, 1, 32, 32), SWIN),
    "swin_3d": Case(_swin(3), (1, 1, 32, 32, 32), SWIN),
}


class ScaledSkip(nn.Module):
    """``skip + scale * conv(skip, gate)``: the identity as long as the scale is zero."""

    def __init__(self, connection: SkipConnection, scale: float) -> None:
        super().__init__()
        channels = connection.skip_channels + connection.gate_channels
        convolution = Conv[Conv.CONV, connection.spatial_dims]
        self.conv = convolution(channels, connection.skip_channels, kernel_size=1)
        self.norm = nn.GroupNorm(1, connection.skip_channels)
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        gate = interpolate(gate, size=skip.shape[2:])
        return skip + self.scale * self.norm(self.conv(torch.cat((skip, gate), dim=1)))


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def basic() -> Case:
    return CASES["basic_2d"]


@pytest.fixture
def resnet() -> Case:
    return CASES["resnet18_2d"]


@pytest.fixture
def dynunet() -> Case:
    return CASES["dynunet_2d"]


@pytest.fixture(params=["dynunet_2d_deep", "dynunet_3d_deep"])
def deep_dynunet(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(params=["basic_2d", "resnet18_2d", "dynunet_3d", "unetr_2d", "swin_2d"])
def family(request: pytest.FixtureRequest) -> Case:
    """One network of each kind, for what does not depend on size and dimensions."""
    return CASES[request.param]


@pytest.fixture
def zero_skip() -> MakeSkipModule:
    return partial(ScaledSkip, scale=0.0)


@pytest.fixture
def active_skip() -> MakeSkipModule:
    return partial(ScaledSkip, scale=0.5)

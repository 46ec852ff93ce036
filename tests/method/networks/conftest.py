"""Every supported network, tiny, and a skip module that starts as the identity."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from monai.networks.layers.factories import Conv
from supported_networks import CASES, FAMILIES, SITED, Case
from torch import Tensor, nn
from torch.nn.functional import interpolate

from iac_components.networks import MakeSkipModule, SkipConnection


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
def attention() -> Case:
    return CASES["attention_2d"]


@pytest.fixture
def dynunet() -> Case:
    return CASES["dynunet_2d"]


@pytest.fixture(params=["dynunet_2d_deep", "dynunet_3d_deep"])
def deep_dynunet(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Case:
    """One network of each kind, for what does not depend on size and dimensions."""
    return CASES[request.param]


@pytest.fixture(params=SITED)
def sited_case(request: pytest.FixtureRequest) -> Case:
    """Every network that may have cells elsewhere than in its skips."""
    return CASES[request.param]


@pytest.fixture(params=[name for name in FAMILIES if name in SITED])
def sited(request: pytest.FixtureRequest) -> Case:
    """One network of each kind that may have cells elsewhere than in its skips."""
    return CASES[request.param]


@pytest.fixture(params=["basic_3d", "unet_2d", "segresnet_2d", "segresnet_ds_2d_deep"])
def sited_in_own_code(request: pytest.FixtureRequest) -> Case:
    """One network for each way in which modules at other sites than the skips are called."""
    return CASES[request.param]


@pytest.fixture(
    params=[
        "unet_2d_residual",
        "unet_3d",
        "attention_2d",
        "attention_3d",
        "segresnet_2d",
        "segresnet_3d",
        "segresnet_ds_2d_deep",
        "segresnet_ds_3d_deep",
        "vnet_2d",
        "vnet_3d",
    ]
)
def other_kind(request: pytest.FixtureRequest) -> Case:
    """One network in 2-D and 3-D of each kind whose fusion is not a block of gate and skip."""
    return CASES[request.param]


@pytest.fixture
def zero_skip() -> MakeSkipModule:
    return partial(ScaledSkip, scale=0.0)


@pytest.fixture
def active_skip() -> MakeSkipModule:
    return partial(ScaledSkip, scale=0.5)

"""Features no larger than their kernel keep float32 under a CPU's autocast, forward and back."""

from __future__ import annotations

import pytest
import torch
from monai.inferers import SimpleInferer
from torch import nn

from iac_components.common.small_convolutions import Float32SmallConvolutions
from iac_components.engine.steps.mixed_precision import Bfloat16Inferer

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


def given(module, *shape):
    """The type of what a module gives under autocast."""
    with torch.autocast("cpu", dtype=torch.bfloat16), Float32SmallConvolutions():
        return module(torch.rand(1, 2, *shape)).dtype


@pytest.mark.parametrize(
    ("shape", "options", "small"),
    [
        ((4, 4, 4), {"kernel_size": 3, "padding": 1}, False),
        ((2, 4, 4), {"kernel_size": 3, "padding": 1}, True),
        ((4, 4, 3), {"kernel_size": 3, "padding": 1, "stride": 2}, True),
        ((5, 9, 9), {"kernel_size": 5, "padding": 2}, True),
        ((5, 9, 9), {"kernel_size": 3, "padding": 2, "dilation": 2}, True),
        ((6, 6, 6), {"kernel_size": 3, "padding": 2, "dilation": 2}, False),
        ((1, 1, 1), {"kernel_size": 1}, False),
        ((2, 8, 8), {"kernel_size": (1, 3, 3), "padding": (0, 1, 1)}, False),
        ((2, 2), {"kernel_size": 3, "padding": 1}, True),
        ((8, 8), {"kernel_size": 3, "padding": 1}, False),
        ((3,), {"kernel_size": 3, "padding": 1}, True),
    ],
)
def test_what_is_small(shape, options, small):
    module = CONVOLUTIONS[len(shape)](2, 2, **options)
    assert given(module, *shape) == (torch.float32 if small else torch.bfloat16)


def test_arguments_may_be_named():
    weight = torch.rand(2, 2, 3, 3)

    def named(image):
        return nn.functional.conv2d(weight=weight, input=image, padding=2, dilation=2)

    assert given(named, 5, 5) == torch.float32
    assert given(named, 6, 6) == torch.bfloat16


def test_without_autocast_nothing_changes():
    module = nn.Conv3d(2, 2, 3, padding=1).to(torch.bfloat16)
    with Float32SmallConvolutions():
        assert module(torch.rand(1, 2, 2, 2, 2).bfloat16()).dtype == torch.bfloat16


def test_gradients_of_a_small_feature_are_those_of_float32():
    """The processor's own bfloat16 may give NaN or worse there."""
    torch.manual_seed(0)
    module, image = nn.Conv3d(16, 16, 3, padding=1), torch.rand(2, 16, 2, 3, 2)
    module(image).square().mean().backward()
    expected = module.weight.grad.clone()
    module.zero_grad()
    Bfloat16Inferer(SimpleInferer())(image, module).square().mean().backward()
    assert torch.equal(module.weight.grad, expected)

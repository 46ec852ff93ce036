"""Separable convolutions of several edges at once, in every memory format."""

from __future__ import annotations

import pytest
import torch

from iac_components.search_space.cells.separable import SeparableConvolution, weighted_separable

FORMATS = {
    2: (torch.contiguous_format, torch.channels_last),
    3: (torch.contiguous_format, torch.channels_last_3d),
}
WIDTHS = {2: (4, 16), 3: (4, 32)}
"""With their weights merged, and without."""


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("last", [False, True], ids=["contiguous", "channels_last"])
@pytest.mark.parametrize("weights_last", [False, True], ids=["", "weights_channels_last"])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("wanted", ["weights", "architecture"])
def test_together_is_one_by_one(wanted, spatial_dims, wide, weights_last, last, size):
    """torch 2.13 crashes in norms of channels_last features, as which 1x1 counts, if it may."""
    torch.manual_seed(0)
    channels, formats = WIDTHS[spatial_dims][wide], FORMATS[spatial_dims]
    modules = [
        SeparableConvolution(
            channels,
            spatial_dims=spatial_dims,
            kernel_size=3,
            dilation=1,
            repeats=2,
            affine=False,
        ).to(dtype=torch.float64, memory_format=formats[weights_last])
        for _ in range(3)
    ]
    feature = torch.randn(2, 2 * channels, *[size] * spatial_dims, dtype=torch.float64)
    # A cell hands over the first of its channels.
    part = feature.to(memory_format=formats[last])[:, :channels]
    weights = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
    parameters = [p for module in modules for p in module.parameters()]
    if wanted == "architecture":
        for parameter in parameters:
            parameter.requires_grad_(False)
        parameters = [weights]
    results = [
        weighted_separable(modules, part, weights.unbind()),
        [weight * module(part) for weight, module in zip(weights, modules, strict=True)],
    ]
    probe = torch.randn_like(results[0][0])
    gradients = []
    for outputs in results:
        total = sum((number + 1) * output for number, output in enumerate(outputs))
        gradients.append(torch.autograd.grad((total * probe).sum(), parameters))
    for ours, alone in zip(results[0], results[1], strict=True):
        torch.testing.assert_close(ours, alone)
    for ours, alone in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, alone)

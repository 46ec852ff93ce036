"""Windows in pairs: no lone one on a CPU, and the same prediction."""

from __future__ import annotations

import pytest
import torch
from monai.inferers import SlidingWindowInferer

from iac_components.networks import PairedWindowInferer


@pytest.mark.parametrize(
    ("size", "sw_batch_size", "batches"),
    [
        ((8, 8, 8), 4, [2]),  # one window
        ((8, 8, 16), 4, [3]),
        ((8, 8, 24), 4, [4, 2]),  # five windows leave one over
        ((8, 8, 16), 1, [2, 2, 2]),
    ],
)
def test_no_window_comes_alone(
    size: tuple[int, ...], sw_batch_size: int, batches: list[int]
) -> None:
    torch.manual_seed(0)
    layer = torch.nn.Sequential(torch.nn.Conv3d(1, 2, 3, padding=1), torch.nn.InstanceNorm3d(2))
    seen: list[int] = []

    def network(windows: torch.Tensor) -> torch.Tensor:
        seen.append(len(windows))
        return layer(windows)

    options = {"roi_size": (8, 8, 8), "sw_batch_size": sw_batch_size, "overlap": 0.5}
    image = torch.randn(1, 1, *size)
    with torch.no_grad():
        found = PairedWindowInferer(**options)(image, network)
        expected = SlidingWindowInferer(**options)(image, layer)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert seen == batches


def test_arguments_reach_the_network() -> None:
    def network(windows: torch.Tensor, gain: float, *, offset: float) -> torch.Tensor:
        return gain * windows + offset

    image = torch.ones(1, 1, 8, 8, 8)
    found = PairedWindowInferer((8, 8, 8))(image, network, 2.0, offset=1.0)
    torch.testing.assert_close(found, 3 * image)

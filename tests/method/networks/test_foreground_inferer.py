"""Slices and volumes are inferred without the zeros around them."""

from __future__ import annotations

import pytest
import torch
from monai.inferers import SliceInferer, SlidingWindowInferer
from monai.networks.nets import BasicUNet

from iac_components.networks import ForegroundSliceInferer, ForegroundWindowInferer

OPTIONS = {"roi_size": (32, 32), "spatial_dim": 2, "sw_batch_size": 4, "overlap": 0.5}


@pytest.fixture(scope="module")
def network() -> BasicUNet:
    """A network whose instance norms see how much of a window is zero."""
    torch.manual_seed(0)
    return BasicUNet(2, 1, 3, features=(4, 4, 8, 8, 8, 4)).eval()


@pytest.fixture
def volume() -> torch.Tensor:
    """Values of both signs, and a zero within."""
    generator = torch.Generator().manual_seed(1)
    volume = torch.randn(1, 1, 14, 15, 3, generator=generator)
    volume[0, 0, 5, 5] = 0
    return volume


@torch.no_grad()
@pytest.mark.parametrize("corner", [(0, 0), (20, 3), (26, 25)])
def test_place_within_zeros_does_not_matter(network, volume, corner):
    inferer = ForegroundSliceInferer(**OPTIONS)
    expected = SliceInferer(**OPTIONS)(volume, network)
    assert torch.equal(inferer(volume, network), expected)
    larger = torch.zeros(1, 1, 40, 40, 3)
    box = (..., slice(corner[0], corner[0] + 14), slice(corner[1], corner[1] + 15), slice(None))
    larger[box] = volume
    found = inferer(larger, network)
    assert found.shape == (1, 3, 40, 40, 3)
    assert torch.allclose(found[box], expected, atol=1e-5)
    outside = torch.ones(1, 40, 40, 3, dtype=torch.bool)
    outside[box] = False
    assert (found.argmax(dim=1)[outside] == 0).all()
    # Without it, the place does matter: that is what it is for.
    assert not torch.allclose(SliceInferer(**OPTIONS)(larger, network)[box], expected, atol=1e-2)


@torch.no_grad()
def test_slices_stay_even_where_one_is_all_zero(network, volume):
    volume[..., 2] = 0
    found = ForegroundSliceInferer(**OPTIONS)(volume, network)
    assert torch.allclose(found, SliceInferer(**OPTIONS)(volume, network), atol=1e-5)


@torch.no_grad()
def test_an_image_of_zeros_is_inferred_as_it_is(network):
    blank = torch.zeros(1, 1, 14, 15, 3)
    found = ForegroundSliceInferer(**OPTIONS)(blank, network)
    assert torch.equal(found, SliceInferer(**OPTIONS)(blank, network))


@torch.no_grad()
def test_zeros_of_one_channel_alone_are_kept():
    two = torch.zeros(1, 2, 14, 15, 3)
    two[:, 1] = 1
    network = BasicUNet(2, 2, 3, features=(4, 4, 8, 8, 8, 4)).eval()
    found = ForegroundSliceInferer(**OPTIONS)(two, network)
    assert torch.equal(found, SliceInferer(**OPTIONS)(two, network))


WINDOWS = {"roi_size": (32, 32, 32), "sw_batch_size": 2, "overlap": 0.5, "mode": "gaussian"}


@torch.no_grad()
@pytest.mark.parametrize("corner", [(0, 0, 0), (31, 3, 19)])
def test_place_of_a_volume_within_zeros_does_not_matter(volume, corner):
    torch.manual_seed(0)
    network = BasicUNet(3, 1, 3, features=(4, 4, 8, 8, 8, 4)).eval()
    volume = torch.nn.functional.interpolate(volume, size=(30, 24, 32))
    expected = SlidingWindowInferer(**WINDOWS)(volume, network)
    assert torch.allclose(ForegroundWindowInferer(**WINDOWS)(volume, network), expected, atol=1e-5)
    larger = torch.zeros(1, 1, 64, 64, 64)
    box = (..., *(slice(a, a + n) for a, n in zip(corner, (30, 24, 32), strict=True)))
    larger[box] = volume
    found = ForegroundWindowInferer(**WINDOWS)(larger, network)
    assert found.shape == (1, 3, 64, 64, 64)
    assert torch.allclose(found[box], expected, atol=1e-5)
    outside = torch.ones(1, 64, 64, 64, dtype=torch.bool)
    outside[box] = False
    assert (found.argmax(dim=1)[outside] == 0).all()
    # Without it, the place does matter: that is what it is for.
    far = SlidingWindowInferer(**WINDOWS)(larger, network)[box]
    assert not torch.allclose(far, expected, atol=1e-2)

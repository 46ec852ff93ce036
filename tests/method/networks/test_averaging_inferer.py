"""Averages over mirror images and networks, against sums made by hand."""

from __future__ import annotations

import pytest
import torch
from monai.inferers import SimpleInferer, SliceInferer
from torch import nn

from iac_components.networks import AveragingInferer


@pytest.fixture
def image() -> torch.Tensor:
    return torch.rand(1, 1, 6, 8, generator=torch.Generator().manual_seed(0))


def uneven(seed: int, dims: int = 2) -> nn.Module:
    """A convolution that tells left from right."""
    torch.manual_seed(seed)
    return (nn.Conv2d if dims == 2 else nn.Conv3d)(1, 2, 3, padding=1).eval()


def test_without_mirrors_and_networks_it_is_the_inferer_itself(image):
    network = uneven(0)
    assert torch.equal(
        AveragingInferer(SimpleInferer())(image, network), SimpleInferer()(image, network)
    )


@torch.no_grad()
def test_mirror_images_are_mirrored_back(image):
    network = uneven(0)
    expected = sum(
        network(image.flip(axes)).flip(axes) if axes else network(image)
        for axes in ([], [2], [3], [2, 3])
    )
    found = AveragingInferer(SimpleInferer(), mirror_axes=[0, 1])(image, network)
    assert torch.allclose(found, expected / 4, atol=1e-6)
    assert not torch.allclose(found, network(image), atol=1e-3)
    # A mirrored image gives the mirrored average.
    again = AveragingInferer(SimpleInferer(), mirror_axes=[0, 1])(image.flip(3), network)
    assert torch.allclose(again.flip(3), found, atol=1e-6)


@torch.no_grad()
def test_networks_take_the_place_of_the_one_that_is_passed(image):
    members = [uneven(1), uneven(2), uneven(3)]
    found = AveragingInferer(SimpleInferer(), networks=members)(image, uneven(0))
    expected = torch.stack([member(image) for member in members]).mean(dim=0)
    assert torch.allclose(found, expected, atol=1e-6)


@torch.no_grad()
def test_slices_of_a_volume_are_mirrored_within_them():
    volume = torch.rand(1, 1, 6, 8, 3)
    inferer = SliceInferer(roi_size=(6, 8), spatial_dim=2)
    network = uneven(0)
    found = AveragingInferer(inferer, mirror_axes=[0])(volume, network)
    expected = torch.stack(
        [
            (network(part) + network(part.flip(2)).flip(2)) / 2
            for part in (volume[..., z] for z in range(3))
        ],
        dim=-1,
    )
    assert torch.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("axes", [[0, 0], [-1]])
def test_axes_that_cannot_be_are_refused(axes):
    with pytest.raises(ValueError, match="each once"):
        AveragingInferer(SimpleInferer(), mirror_axes=axes)


def test_an_axis_that_images_do_not_have_is_refused(image):
    with pytest.raises(ValueError, match="2 spatial axes cannot be mirrored along axis 2"):
        AveragingInferer(SimpleInferer(), mirror_axes=[0, 2])(image, uneven(0))


def test_no_networks_are_refused():
    with pytest.raises(ValueError, match="pass None"):
        AveragingInferer(SimpleInferer(), networks=[])

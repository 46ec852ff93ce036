"""Channels of different units are brought to values around 0, each by its own rule."""

from __future__ import annotations

import pytest
import torch

from iac_components.data import NormalizeChannelsd


def test_a_window_for_one_channel_and_mean_and_deviation_for_another():
    image = torch.stack([torch.linspace(-2000, 2000, 64), torch.linspace(0, 5, 64)]).view(2, 8, 8)
    before = image.clone()
    out = NormalizeChannelsd("image", windows=[[-100, 300], None])({"image": image})["image"]
    assert (image == before).all()
    assert torch.allclose(out[0], ((before[0].clamp(-100, 300) + 100) / 200 - 1), atol=1e-6)
    assert out[1].mean().abs() < 1e-5
    assert out[1].std(unbiased=False) == pytest.approx(1, abs=1e-4)


def test_zeros_are_left_out_of_mean_and_deviation():
    image = torch.zeros(1, 4, 4)
    image[0, :2] = torch.arange(8.0).view(2, 4) + 10
    out = NormalizeChannelsd("image", windows=[None], nonzero=True)({"image": image})["image"]
    assert (out[0, 2:] == 0).all()
    assert out[0, :2].mean().abs() < 1e-5


def test_windows_are_checked():
    with pytest.raises(ValueError, match=r"two growing numbers"):
        NormalizeChannelsd("image", windows=[[3, 3]])
    with pytest.raises(ValueError, match=r"has 1 channel"):
        NormalizeChannelsd("image", windows=[None, None])({"image": torch.zeros(1, 2, 2)})

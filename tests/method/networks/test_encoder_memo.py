"""Features of a frozen encoder that are remembered, and when they may not be."""

from __future__ import annotations

import pytest
import torch
from monai.networks.blocks import UnetUpBlock
from torch import nn

from iac_components.networks import CellSearchNetwork
from iac_components.networks.encoder_memo import EncoderMemo


class Counted(nn.Conv2d):
    """A convolution that counts how often it has been computed."""

    runs = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.runs += 1
        return super().forward(x)


class SharedBackbone(nn.Module):
    """One convolution runs twice in front of the first skip fusion."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Counted(1, 8, 1)
        self.shared = Counted(8, 8, 3, padding=1)
        self.down = Counted(8, 8, 2, stride=2)
        self.up = UnetUpBlock(
            2, 8, 8, kernel_size=3, stride=1, upsample_kernel_size=2, norm_name="batch"
        )
        self.last = Counted(8, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fine = self.shared(self.first(x))
        return self.last(self.up(self.shared(self.down(fine)), fine))


def test_a_module_that_runs_twice_is_not_remembered():
    network = CellSearchNetwork(SharedBackbone(), num_nodes=1, input_shape=(1, 1, 8, 8))
    x = torch.randn(2, 1, 8, 8)
    memo = EncoderMemo(network)
    memo.record("x", x)
    expected = network(x)
    counted = {n: m for n, m in network.named_modules() if isinstance(m, Counted)}
    before = {name: module.runs for name, module in counted.items()}
    with memo.recalling("x"):
        assert torch.equal(network(x), expected)
    more = {name.split(".")[-1]: m.runs - before[name] for name, m in counted.items()}
    assert more == {"first": 0, "shared": 2, "down": 0, "last": 1}


class InPlace(SharedBackbone):
    """Its decoder writes into the encoder's features."""

    def __init__(self) -> None:
        super().__init__()
        self.activation = nn.ReLU(inplace=True)
        self.coarse = Counted(8, 8, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fine = self.shared(self.first(x))
        coarse = self.coarse(self.down(fine))
        up = self.up(coarse, fine)
        return self.last(up) + self.activation(coarse).mean() + self.activation(fine).mean()


def test_a_decoder_may_write_into_what_is_remembered():
    network = CellSearchNetwork(InPlace(), num_nodes=1, input_shape=(1, 1, 8, 8))
    x = torch.randn(2, 1, 8, 8)
    memo = EncoderMemo(network)
    assert memo.record("x", x)
    with torch.no_grad():
        expected = network(x)
        for _ in range(2):
            with memo.recalling("x"):
                assert torch.equal(network(x), expected)


def test_no_more_is_kept_than_may_be():
    network = CellSearchNetwork(SharedBackbone(), num_nodes=1, input_shape=(1, 1, 8, 8))
    x = torch.randn(2, 1, 8, 8)
    memo = EncoderMemo(network)
    assert memo.record("x", x)
    bounded = EncoderMemo(network, most_bytes=memo.kept_bytes)
    assert bounded.record("x", x)
    assert not bounded.record("y", x + 1)
    assert bounded.kept_bytes == memo.kept_bytes > 0
    with bounded.recalling("y"):
        assert not torch.equal(network(x + 1), network(x))


def test_an_encoder_that_trains_cannot_remember():
    network = CellSearchNetwork(
        SharedBackbone(), num_nodes=1, frozen_backbone=False, input_shape=(1, 1, 8, 8)
    )
    with pytest.raises(ValueError, match="freeze it"):
        EncoderMemo(network)

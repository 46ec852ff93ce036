"""Features of the frozen encoder, computed once, and the decoder that takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
from monai.networks.nets import BasicUNet
from torch import Tensor, nn

from iac_components.data import SliceDataset

__all__ = ["FeatureSet", "Features", "channels_last", "decode", "encode", "encode_slices"]

Network = TypeVar("Network", bound=nn.Module)

Features = tuple[Tensor, ...]
"""(B, C, *S) of the encoder's levels, finest first; the last one is the bottleneck."""


@dataclass(frozen=True)
class FeatureSet:
    """Encoded slices.

    Attributes:
        features: (N, C, *S) a level.
        labels: (N, 1, *S).
        patients: the patient of each slice.
    """

    features: Features
    labels: Tensor
    patients: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, batch_size: int, *, seed: int) -> Iterator[tuple[Features, Tensor]]:
        """Draw batches on and on, in an order set by ``seed``."""
        generator = torch.Generator().manual_seed(seed)
        while True:
            rows = torch.randint(len(self), (batch_size,), generator=generator)
            yield tuple(_last(level[rows]) for level in self.features), self.labels[rows]

    def parts(self, batch_size: int) -> Iterator[tuple[Features, Tensor]]:
        """Go through all slices once, in order."""
        for start in range(0, len(self), batch_size):
            rows = slice(start, start + batch_size)
            yield tuple(_last(level[rows]) for level in self.features), self.labels[rows]


def channels_last(network: Network) -> Network:
    """Store a network's weights in channels_last, in which depthwise convolutions are faster."""
    convert: Callable[..., Network] = network.to
    return convert(memory_format=torch.channels_last)


def encode(network: BasicUNet, images: Tensor) -> Features:
    """Run the encoder on images (B, C, *S)."""
    features = [network.conv_0(images)]
    for block in (network.down_1, network.down_2, network.down_3, network.down_4):
        features.append(block(features[-1]))
    return tuple(features)


def decode(network: BasicUNet, features: Features) -> Tensor:
    """Run the decoder, implanted or plain, on an encoder's features; returns logits."""
    *skips, x = features
    blocks = (network.upcat_4, network.upcat_3, network.upcat_2, network.upcat_1)
    for block, skip in zip(blocks, reversed(skips), strict=True):
        x = block(x, skip)
    return cast(Tensor, network.final_conv(x))


@torch.no_grad()
def encode_slices(network: nn.Module, slices: SliceDataset, *, copies: int = 1) -> FeatureSet:
    """Encode every slice of a data set, in several augmented copies (one an epoch).

    Args:
        network: the trained backbone in eval mode.
        slices: the data set.
        copies: epochs of it.
    """
    encoded: list[Features] = []
    labels: list[Tensor] = []
    patients: list[str] = []
    for epoch in range(copies):
        slices.set_epoch(epoch)
        for index in range(len(slices)):
            item = slices[index]
            encoded.append(encode(network, torch.as_tensor(item["image"])[None]))
            labels.append(torch.as_tensor(item["label"]))
            patients.append(str(item["patient"]))
    return FeatureSet(
        tuple(torch.cat(level) for level in zip(*encoded, strict=True)),
        torch.stack(labels),
        tuple(patients),
    )


def _last(features: Tensor) -> Tensor:
    return features.contiguous(memory_format=torch.channels_last)

"""Partial channels: only 1/K of the channels pass through an edge's operations.

Source: PC-DARTS (arXiv 1907.05737). The rest bypasses them, and a channel shuffle mixes both, so
that the next edge samples other channels.
"""

from __future__ import annotations

import torch
from torch.nn.functional import channel_shuffle

__all__ = ["NodeSums", "check_divisible", "mix_partial_channels"]


def check_divisible(channels: int, channel_divisor: int) -> None:
    """Raise ValueError unless ``channels`` can be parted into K equal groups."""
    if channels % channel_divisor:
        raise ValueError(
            f"{channels} channels cannot be divided by K={channel_divisor}: choose a K that "
            "divides the channels of every skip connection."
        )


def mix_partial_channels(
    operated: torch.Tensor, x: torch.Tensor, channel_divisor: int
) -> torch.Tensor:
    """Join what an operation made of the first C/K channels with the others, and shuffle.

    Args:
        operated: (B, C/K, *S).
        x: the whole feature (B, C, *S).
        channel_divisor: K.
    """
    mixed = torch.cat((operated, x[:, operated.shape[1] :]), dim=1)
    return channel_shuffle(mixed, channel_divisor)


class NodeSums:
    """Sums up, node by node, the channels that passed operations and those that bypassed them.

    The shuffle of partial channels is a fixed permutation, so the sum is shuffled once a node in
    place of every edge's output, and the two parts are joined once.

    Args:
        num_nodes: nodes of the cell.
        channel_divisor: K.
    """

    def __init__(self, num_nodes: int, channel_divisor: int) -> None:
        self.channel_divisor = channel_divisor
        self._mixed: list[torch.Tensor | None] = [None] * num_nodes
        self._bypass: list[torch.Tensor | None] = [None] * num_nodes

    def add(self, node: int, mixed: torch.Tensor, bypass: torch.Tensor) -> None:
        """Add an edge's weighted output (B, C/K, *S) and its weighted bypass (B, C - C/K, *S)."""
        so_far, passed = self._mixed[node], self._bypass[node]
        self._mixed[node] = mixed if so_far is None else so_far + mixed
        self._bypass[node] = bypass if passed is None else passed + bypass

    def close(self, node: int) -> torch.Tensor:
        """Return the state (B, C, *S) of a node that all its edges have reached.

        Raises:
            ValueError: if no edge has.
        """
        mixed, bypass = self._mixed[node], self._bypass[node]
        if mixed is None or bypass is None:
            raise ValueError(f"no edge has reached node {node}.")
        if self.channel_divisor == 1:
            return mixed
        return channel_shuffle(torch.cat((mixed, bypass), dim=1), self.channel_divisor)

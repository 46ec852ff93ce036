"""Ways to spoil a skip feature, each with what undoes it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["CORRUPTIONS", "DIRECTIONS", "PIXELS", "corruption"]

PIXELS = 3
"""Distance of a roll."""

DIRECTIONS = {"left": (-1, -1), "right": (1, -1), "up": (-1, -2), "down": (1, -2)}
"""Sign and axis of a roll."""

Corruption = Callable[[Tensor], Tensor]


def _roll(direction: str) -> Corruption:
    sign, axis = DIRECTIONS[direction]
    return lambda skip: torch.roll(skip, sign * PIXELS, dims=axis)


def _permute(skip: Tensor) -> Tensor:
    order = torch.randperm(skip.shape[1], generator=torch.Generator().manual_seed(0))
    return skip[:, order]


CORRUPTIONS: dict[str, tuple[Corruption, str]] = {
    **{
        name: (_roll(name), f"planted_roll_{opposite}")
        for name, opposite in (
            ("left", "right"),
            ("right", "left"),
            ("up", "down"),
            ("down", "up"),
        )
    },
    # The projections around a cell's nodes turn, mix and scale channels: the identity will do.
    "sign": (torch.neg, "skip_connect"),
    "permutation": (_permute, "skip_connect"),
    "gain": (lambda skip: 0.2 * skip, "skip_connect"),
    # Nothing is left to mend: what helps comes from the coarser feature.
    "drop": (torch.zeros_like, "gate"),
}
"""Name -> what it does to a skip (B, C, H, W), and the operation (or input) that undoes it."""


def corruption(name: str) -> Corruption:
    """Return what spoils a skip.

    Raises:
        KeyError: if there is no such corruption.
    """
    return CORRUPTIONS[name][0]

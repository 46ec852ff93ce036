"""Negative log-probability of each activation pattern of a block, which a decoder sums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from iac_components.dints.decoding.patterns import PatternTable

__all__ = ["pattern_losses"]


def pattern_losses(
    path_probabilities: NDArray[np.float32], table: PatternTable
) -> NDArray[np.float64]:
    """-log p of every pattern, where each path is active on its own and one at least is.

    Equal to the bit to the edge weights in MONAI's ``TopologySearch.decode()``, constants and
    float32 steps included: a near tie must fall to the same side.

    Args:
        path_probabilities: (L, P).
        table: the K patterns of P paths.

    Returns:
        (L, K), not negative.

    Raises:
        ValueError: if no path of a block has a probability above zero.
    """
    joint = np.ones((len(path_probabilities), len(table.patterns)), np.float32)
    none = np.ones(len(path_probabilities), np.float32)
    for path, probability in enumerate(path_probabilities.T):
        joint *= np.where(table.patterns[:, path], probability[:, None], 1 - probability[:, None])
        none *= 1 - probability
    norm = 1 - none
    if not norm.all():
        raise ValueError(
            f"path_probabilities[{int(norm.argmin())}] are all zero, or next to it: no path of "
            "this block can be preferred."
        )
    losses = -np.log(joint / norm[:, None] + np.float32(1e-5)) + np.float32(0.001)
    return np.asarray(losses, np.float64)

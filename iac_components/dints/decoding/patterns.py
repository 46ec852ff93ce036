"""Every way to switch the paths of one block on and off, and the depths it joins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from iac_components.dints.topology_grid import DintsSpace

__all__ = ["PatternTable", "activation_patterns"]


@dataclass(frozen=True, eq=False)
class PatternTable:
    """The K = 2**P - 1 patterns of P paths, none of them empty; the arrays are read-only.

    Attributes:
        patterns: (K, P) bool, which paths are active, in the order of MONAI's ``child_list``.
        sources: (K,) bit masks: bit d is set if an active path starts at depth d.
        targets: (K,) bit masks: bit d is set if an active path ends at depth d.
    """

    patterns: NDArray[np.bool_]
    sources: NDArray[np.int64]
    targets: NDArray[np.int64]


@cache
def activation_patterns(num_depths: int) -> PatternTable:
    """List the patterns of a block between two columns of ``num_depths`` resolutions.

    Two patterns can follow one another exactly if the first one's ``targets`` are the second one's
    ``sources``: no node is left without an input or an output (DiNTS, arXiv 2103.15954, section
    3.2).

    Args:
        num_depths: D, at most 5: the table doubles with every path.
    """
    paths = DintsSpace(num_depths=num_depths).paths
    # MONAI counts in binary with the first path as the highest digit.
    digits = 1 << np.arange(len(paths))[::-1]
    patterns = (np.arange(1, 1 << len(paths))[:, None] & digits) > 0
    sources, targets = (
        np.bitwise_or.reduce(np.where(patterns, 1 << np.array(ends), 0), axis=1)
        for ends in zip(*paths, strict=True)
    )
    for array in (patterns, sources, targets):
        array.setflags(write=False)
    return PatternTable(patterns, sources, targets)

"""Small search spaces, drawn or fixed, and cells that run alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from iac_components.search_space import (
    ArchitectureParameters,
    CellWeights,
    SearchCell,
    SearchSpace,
    WeightSlot,
)

SMALL = ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3")


@pytest.fixture
def space() -> SearchSpace:
    """Two nodes, five edges, four operations."""
    return SearchSpace(spatial_dims=2, operations=SMALL, num_nodes=2)


class Lone:
    """A search cell with its architecture, out of any supernet."""

    def __init__(self, space: SearchSpace, *, channels: int = 8, gate_channels: int = 6) -> None:
        self.space = space
        self.slot = WeightSlot()
        self.architecture = ArchitectureParameters(space)
        self.cell = SearchCell(channels, gate_channels, space=space, slot=self.slot, level=0)
        self.skip = torch.randn(2, channels, *[6] * space.spatial_dims)
        self.gate = torch.randn(2, gate_channels, *[3] * space.spatial_dims)

    def open(self) -> Lone:
        """Let the nodes through to the output."""
        with torch.no_grad():
            self.cell.scale.normal_()
        return self

    def run(self, weights: CellWeights | None = None) -> Tensor:
        with self.slot.holding(weights or self.architecture()):
            return self.cell(self.skip, self.gate)


@pytest.fixture
def lone() -> Callable[..., Lone]:
    torch.manual_seed(0)
    return Lone

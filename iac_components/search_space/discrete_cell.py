"""The discrete cell: what a genotype describes, as an ordinary module to train and deploy."""

from __future__ import annotations

import torch
from torch import nn

from iac_components.search_space.cell_frame import CellFrame
from iac_components.search_space.genotype import Genotype
from iac_components.search_space.operations import build_operation
from iac_components.search_space.partial_channels import check_divisible, through_partial_channels

__all__ = ["DiscreteCell"]


class DiscreteCell(CellFrame):
    """A cell with two operations a node, free of architecture parameters.

    Args:
        skip_channels: C of the skip feature.
        gate_channels: G of the coarser decoder feature.
        genotype: the found cell.
        level: which level of the genotype; ignored where one is shared.
        channel_divisor: 1 lets all channels pass each operation, as PC-DARTS does when it trains
            the found cell; K of the search keeps the searched, cheaper form.

    Raises:
        ValueError: if C is not divisible by ``channel_divisor`` or an operation is unknown.
    """

    def __init__(
        self,
        skip_channels: int,
        gate_channels: int,
        *,
        genotype: Genotype,
        level: int = 0,
        channel_divisor: int = 1,
    ) -> None:
        space = genotype.search_space
        super().__init__(
            skip_channels,
            gate_channels,
            spatial_dims=space.spatial_dims,
            num_nodes=space.num_nodes,
            affine=True,
        )
        check_divisible(skip_channels, channel_divisor)
        self.channel_divisor = channel_divisor
        # Node by node, the names of its inputs, beside the operations that apply to them.
        self.wiring = tuple(
            tuple(edge.input for edge in node.edges) for node in genotype.nodes_of(level)
        )
        # One flat list, in the order of the wiring.
        self.operations = nn.ModuleList(
            build_operation(
                edge.operation,
                skip_channels // channel_divisor,
                spatial_dims=space.spatial_dims,
                affine=True,
            )
            for node in genotype.nodes_of(level)
            for edge in node.edges
        )

    def forward(self, skip: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        """Map skip (B, C, *S) and gate (B, G, *s) to the refined skip (B, C, *S)."""
        states = self.project_inputs(skip, gate)
        operations = iter(self.operations)
        outputs: list[torch.Tensor] = []
        for index, inputs in enumerate(self.wiring):
            terms = [
                through_partial_channels(states[name], self.channel_divisor, next(operations))
                for name in inputs
            ]
            states[f"node_{index}"] = sum(terms[1:], terms[0])
            outputs.append(states[f"node_{index}"])
        return self.add_to_skip(skip, outputs)

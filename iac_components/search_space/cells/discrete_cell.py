"""Discrete cell: a genotype as an ordinary module to train and deploy."""

from __future__ import annotations

import torch
from torch import nn

from iac_components.search_space.cells.cell_frame import CellFrame
from iac_components.search_space.cells.feature_maps import resize_linearly
from iac_components.search_space.cells.operations import build_operation
from iac_components.search_space.cells.partial_channels import (
    check_divisible,
    mix_partial_channels,
)
from iac_components.search_space.genotype import Genotype, GenotypeError
from iac_components.search_space.space import CELL_INPUTS

__all__ = ["DiscreteCell"]


class DiscreteCell(CellFrame):
    """A cell of the kept nodes with their operations, free of architecture parameters.

    Args:
        skip_channels: C of the skip feature.
        gate_channels: G of the coarser decoder feature.
        genotype: the found cell.
        level: which level of the genotype; ignored where one is shared.
        channel_divisor: 1 lets all channels pass each operation, as PC-DARTS does when it trains
            the found cell; K of the search keeps the searched, cheaper form.

    Raises:
        GenotypeError: if the genotype has no cell at this level.
        ValueError: if C is not divisible by ``channel_divisor`` or an operation is unknown.
    """

    # Known to TorchScript when it compiles: it leaves out the branches that they close.
    __constants__ = ("channel_divisor", "reads_gate", "reads_skip")

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
        nodes = genotype.nodes_of(level)
        if not nodes:
            raise GenotypeError(f"the genotype has no cell at level {level}.")
        used = {edge.input for node in nodes for edge in node.edges}
        whole = len(nodes) == space.num_nodes
        super().__init__(
            skip_channels,
            gate_channels,
            spatial_dims=space.spatial_dims,
            num_nodes=len(nodes),
            affine=True,
            # Trained weights of a cell with all its nodes hold both projections.
            inputs=CELL_INPUTS if whole else used,
        )
        check_divisible(skip_channels, channel_divisor)
        self.channel_divisor = channel_divisor
        self.reads_skip, self.reads_gate = (name in used for name in CELL_INPUTS)
        # Node by node, the names of its inputs, beside the operations that apply to them.
        self.wiring = tuple(tuple(edge.input for edge in node.edges) for node in nodes)
        # The same by numbers, operation by operation: TorchScript has no modules by name.
        names = [*CELL_INPUTS, *(f"node_{node.node}" for node in nodes)]
        self.sources = tuple(names.index(edge.input) for node in nodes for edge in node.edges)
        self.targets = tuple(
            place for place, node in enumerate(nodes, len(CELL_INPUTS)) for _ in node.edges
        )
        # One flat list, in the order of the wiring.
        self.operations = nn.ModuleList(
            build_operation(
                edge.operation,
                skip_channels // channel_divisor,
                spatial_dims=space.spatial_dims,
                affine=True,
            )
            for node in nodes
            for edge in node.edges
        )

    def forward(self, skip: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        """Map skip (B, C, *S) and gate (B, G, *s) to the refined skip (B, C, *S)."""
        # What is not read has a place all the same: sources count on it.
        states = [
            self.skip_projection(skip) if self.reads_skip else skip,
            resize_linearly(self.gate_projection(gate), skip) if self.reads_gate else gate,
        ]
        for operation, source, target in zip(self.operations, self.sources, self.targets):  # noqa: B905  (TorchScript's zip is not strict)
            state = states[source]
            if self.channel_divisor == 1:
                term = operation(state)
            else:
                part = state[:, : state.shape[1] // self.channel_divisor]
                term = mix_partial_channels(operation(part), state, self.channel_divisor)
            if target == len(states):
                states.append(term)
            else:
                states[target] = states[target] + term
        return self.add_all_to_skip(skip, states[2:])

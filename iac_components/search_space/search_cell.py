"""The search cell: every edge a mixed operation, weighted by the architecture parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from iac_components.search_space.architecture import CellWeights
from iac_components.search_space.cell_frame import CellFrame
from iac_components.search_space.mixed_operation import MixedOperation
from iac_components.search_space.space import SearchSpace

__all__ = ["SearchCell", "WeightSlot"]


class WeightSlot:
    """Hands the architecture weights of one forward pass to all cells of a supernet.

    The architecture parameters live outside the cells (their optimizer is another one), so the
    supernet computes the softmaxes once a pass and leaves them here.
    """

    def __init__(self) -> None:
        self._weights: CellWeights | None = None

    @contextmanager
    def holding(self, weights: CellWeights) -> Iterator[None]:
        """Hold ``weights`` within the block.

        Kept longer, they would keep the graph of the pass alive, and a cell could run on the
        weights of an earlier pass.
        """
        self._weights = weights
        try:
            yield
        finally:
            self._weights = None

    def read(self) -> CellWeights:
        """Return the weights of this pass.

        Raises:
            RuntimeError: if a cell runs outside its supernet's forward pass.
        """
        if self._weights is None:
            raise RuntimeError("a search cell runs only within its supernet's forward pass.")
        return self._weights


class SearchCell(CellFrame):
    """A cell of the supernet for one skip connection.

    Args:
        skip_channels: C of the skip feature.
        gate_channels: G of the coarser decoder feature.
        space: the search space.
        slot: where the supernet leaves the weights of each pass.
        level: row of the weights that this cell uses: 0 where one genotype is shared.

    Raises:
        ValueError: if C is not divisible by K.
    """

    def __init__(
        self,
        skip_channels: int,
        gate_channels: int,
        *,
        space: SearchSpace,
        slot: WeightSlot,
        level: int,
    ) -> None:
        super().__init__(
            skip_channels,
            gate_channels,
            spatial_dims=space.spatial_dims,
            num_nodes=space.num_nodes,
            affine=False,
        )
        self.space = space
        self.slot = slot
        self.level = level
        self.edges = nn.ModuleDict(
            {
                f"{edge.input}-to-node_{edge.node}": MixedOperation(
                    skip_channels,
                    spatial_dims=space.spatial_dims,
                    operations=space.operations,
                    channel_divisor=space.channel_divisor,
                )
                for edge in space.edges
            }
        )

    def forward(self, skip: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        """Map skip (B, C, *S) and gate (B, G, *s) to the refined skip (B, C, *S)."""
        weights = self.slot.read()
        operation_weights = weights.operations[self.level].unbind()
        edge_weights = weights.edges[self.level].unbind()
        states = self.project_inputs(skip, gate)
        nodes: list[torch.Tensor] = []
        for node in range(self.space.num_nodes):
            rows = range(len(self.space.edges))[self.space.edges_of(node)]
            terms = []
            for row in rows:
                edge = self.space.edges[row]
                key = f"{edge.input}-to-node_{edge.node}"
                if key in self.edges:
                    mixed = self.edges[key](states[edge.input], operation_weights[row])
                    terms.append(edge_weights[row] * mixed)
            states[f"node_{node}"] = sum(terms[1:], terms[0])
            nodes.append(states[f"node_{node}"])
        return self.add_to_skip(skip, nodes)

    def prune(self, alive: torch.Tensor) -> None:
        """Delete the modules of dead operations and removed edges.

        Args:
            alive: (E, O) mask of this cell's level, on the CPU.
        """
        for row, edge in enumerate(self.space.edges):
            key = f"{edge.input}-to-node_{edge.node}"
            if key not in self.edges:
                continue
            lives = alive[row].tolist()
            names = [name for name, here in zip(self.space.operations, lives, strict=True) if here]
            mixed = self.edges[key]
            if names and isinstance(mixed, MixedOperation):
                mixed.keep(names)
            else:
                del self.edges[key]

"""The architecture parameters: alphas for operations, betas for edges, and what still lives."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from iac_components.search_space.space import SearchSpace

__all__ = ["ArchitectureParameters", "CellWeights"]

INITIAL_SPREAD = 1e-3
"""Standard deviation of the initial alphas and betas (DARTS)."""


class CellWeights(NamedTuple):
    """The weights of the cells of all L levels: ``operations`` (L, E, O) and ``edges`` (L, E)."""

    operations: torch.Tensor
    edges: torch.Tensor


class ArchitectureParameters(nn.Module):
    """Alphas and betas as dense tensors with a buffer that marks the living operations.

    They stay dense when operations are pruned, so that the state of their optimizer keeps its
    shape; a pruned entry gets weight exactly zero and no gradient. An edge is removed when none of
    its operations lives.

    Args:
        space: the search space of L levels, E edges and O operations.
    """

    def __init__(self, space: SearchSpace) -> None:
        super().__init__()
        self.space = space
        shape = (space.levels, len(space.edges), len(space.operations))
        self.alphas = nn.Parameter(INITIAL_SPREAD * torch.randn(shape))
        self.betas = nn.Parameter(INITIAL_SPREAD * torch.randn(shape[:2]))
        self.alive: torch.Tensor
        self.register_buffer("alive", torch.ones(shape, dtype=torch.bool))

    def forward(self) -> CellWeights:
        """Return softmax(alpha) over living operations and softmax(beta) over living inputs.

        Edge normalization (PC-DARTS): the betas of each node's inputs compete among themselves.
        """
        edge_alive = self.alive.any(dim=-1)
        # A removed edge keeps its finite logits: a softmax over nothing but -inf would be NaN, and
        # its gradient too, even where the result is then masked.
        dead = ~self.alive & edge_alive.unsqueeze(-1)
        operations = self.alphas.masked_fill(dead, float("-inf")).softmax(dim=-1)
        operations = operations * edge_alive.unsqueeze(-1)
        logits = self.betas.masked_fill(~edge_alive, float("-inf"))
        edges = torch.cat(
            [
                logits[:, self.space.edges_of(node)].softmax(dim=-1)
                for node in range(self.space.num_nodes)
            ],
            dim=-1,
        )
        return CellWeights(operations, edges)

    def prune(self, alive: torch.Tensor) -> None:
        """Mark as dead whatever ``alive`` (L, E, O) marks as dead; nothing comes back to life.

        Raises:
            ValueError: if the shape differs, or a node would be left without an input.
        """
        if alive.shape != self.alive.shape:
            raise ValueError(
                f"expected a mask of {tuple(self.alive.shape)}, got {tuple(alive.shape)}."
            )
        remaining = self.alive & alive.to(self.alive.device)
        edges = remaining.any(dim=-1)
        for node in range(self.space.num_nodes):
            if not edges[:, self.space.edges_of(node)].any(dim=-1).all():
                raise ValueError(f"node {node} would be left without an input.")
        self.alive.copy_(remaining)

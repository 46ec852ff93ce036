"""Architecture parameters: alphas for operations, betas for edges, and the living entries."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from iac_components.search_space.space import SearchSpace, edges_of_present_nodes

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
    its operations lives, and a node when none of its inputs does.

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
        rows = [self.space.edges_of(node) for node in range(self.space.num_nodes)]
        edges = [_softmax_of_living(self.betas[:, own], edge_alive[:, own]) for own in rows]
        return CellWeights(operations, torch.cat(edges, dim=-1))

    def prune(self, alive: torch.Tensor) -> None:
        """Mark as dead the entries that ``alive`` (L, E, O) marks as dead; none is revived.

        A node that is left without an input is removed, and the edges from it with it.

        Raises:
            ValueError: if the shape differs.
        """
        if alive.shape != self.alive.shape:
            raise ValueError(
                f"expected a mask of {tuple(self.alive.shape)}, got {tuple(alive.shape)}."
            )
        remaining = self.alive & alive.to(self.alive.device)
        edges = edges_of_present_nodes(self.space, remaining.any(dim=-1).cpu().numpy())
        present = torch.from_numpy(edges).to(remaining.device)
        self.alive.copy_(remaining & present.unsqueeze(-1))


def _softmax_of_living(logits: torch.Tensor, alive: torch.Tensor) -> torch.Tensor:
    """Softmax over the living entries of each row (L, W); zeros where none lives."""
    # Of a removed node the logits stay finite, as those of a removed edge's operations do.
    dead = ~alive & alive.any(dim=-1, keepdim=True)
    return logits.masked_fill(dead, float("-inf")).softmax(dim=-1) * alive

"""Topology supernet: all paths and operations at once, weighted."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from itertools import islice
from typing import NamedTuple

import torch
from monai.networks.nets.dints import Cell, TopologySearch
from torch import nn
from torch.nn import functional as F

from iac_components.dints.topology_grid import DintsSpace
from iac_components.dints.topology_network import Features, monai_arguments
from iac_components.networks.weights import prune_before_loading

__all__ = ["SearchTopology"]


class _LivingPath(NamedTuple):
    """A path that still lives: where it runs, and the layers of what it runs through.

    ``operations`` are without their activation, which all have in common; an identity has no layer.
    """

    source: int
    target: int
    preprocess: nn.Module
    activation: nn.Module
    operations: tuple[tuple[nn.Module, ...], ...]


class SearchTopology(TopologySearch):
    """MONAI's search space with a forward pass without device synchronization.

    The same function of the same parameters as MONAI's, up to rounding. A path's probability
    multiplies the weights of its operations, not their sum, and the operations of a path share the
    activation that each begins with: fewer feature maps are written and kept. Operations and paths
    can be deleted.

    Args:
        space: the space.
    """

    def __init__(self, space: DintsSpace) -> None:
        with redirect_stdout(io.StringIO()):
            super().__init__(**monai_arguments(space))
        self.space = space
        shape = (space.num_blocks, len(space.paths), len(space.operations))
        self.alive: torch.Tensor
        self.register_buffer("alive", torch.ones(shape, dtype=torch.bool))
        # Where the living are: a mask would make a GPU tell the host how many it selects.
        self.living: torch.Tensor
        self.register_buffer("living", torch.arange(self.alive.numel()), persistent=False)
        self._plan = self._make_plan()
        prune_before_loading(self, "alive", SearchTopology.prune)

    def path_logits(self) -> torch.Tensor:
        """(L, P) logits of the paths, each on its own; a dead path's is far below zero."""
        dead = ~self.alive.any(dim=-1)
        logits: torch.Tensor = self.log_alpha_a.masked_fill(dead, DEAD_LOGIT)
        return logits

    def operation_probabilities(self) -> torch.Tensor:
        """(L, P, O) softmax over the living operations of each path; zero where none lives."""
        path_alive = self.alive.any(dim=-1, keepdim=True)
        # A dead path keeps finite logits: a softmax over nothing but -inf would be NaN.
        logits = self.log_alpha_c.masked_fill(~self.alive & path_alive, float("-inf"))
        return F.softmax(logits, dim=-1) * path_alive

    def forward(self, x: Sequence[torch.Tensor | None]) -> Features:
        """Map one feature (B, C, *S) a depth to one feature a depth, None where nothing leads."""
        return deque(self.columns(x), maxlen=1)[0]

    def columns(self, x: Sequence[torch.Tensor | None], *, first: int = 0) -> Iterator[Features]:
        """Yield each block's features, from block ``first`` on, whose input is ``x``."""
        logits = self.path_logits()
        # Given that not all paths of a block are off (MONAI's get_prob_a).
        some = -torch.expm1(F.logsigmoid(-logits).sum(dim=-1, keepdim=True))
        weights = self.operation_probabilities() * (logits.sigmoid() / some).unsqueeze(-1)
        before = sum(len(path.operations) for paths in self._plan[:first] for path in paths)
        each = islice(weights.flatten()[self.living].unbind(), before, None)
        nodes: Features = list(x)
        for paths in self._plan[first:]:
            following: Features = [None] * self.num_depths
            for path in paths:
                own = [next(each) for _ in path.operations]
                feature = nodes[path.source]
                if feature is None:
                    continue
                feature = path.preprocess(feature)
                activated = path.activation(feature) if any(path.operations) else feature
                for layers, weight in zip(path.operations, own, strict=True):
                    mapped = activated if layers else feature
                    for layer in layers:
                        mapped = layer(mapped)
                    weight = weight.to(mapped.dtype)
                    held = following[path.target]
                    following[path.target] = (
                        mapped * weight if held is None else torch.addcmul(held, mapped, weight)
                    )
            nodes = following
            yield nodes

    def prune(self, alive: torch.Tensor) -> None:
        """Delete the paths and operations that ``alive`` (L, P, O) marks as dead; none is revived.

        Raises:
            ValueError: if the shape differs, or no path would be left in a block.
        """
        if alive.shape != self.alive.shape:
            raise ValueError(
                f"expected a mask of {tuple(self.alive.shape)}, got {tuple(alive.shape)}."
            )
        before = self.alive.cpu()
        after = before & alive.cpu()
        if not after.flatten(1).any(dim=1).all():
            raise ValueError("a block would be left without a path.")
        for block, row in torch.argwhere((before != after).any(dim=-1)).tolist():
            key = f"({block}, {row})"
            if not after[block, row].any():
                del self.cell_tree[key]
                continue
            kept = after[block, row][before[block, row]].tolist()
            mixed = self.cell_tree[key].op
            mixed.ops = nn.ModuleList(op for op, keep in zip(mixed.ops, kept, strict=True) if keep)
        self.alive.copy_(after)
        self.living = after.flatten().nonzero().flatten().to(self.alive.device)
        self._plan = self._make_plan()

    @contextmanager
    def holding(self, alive: torch.Tensor) -> Iterator[None]:
        """Compute as if only the entries of ``alive`` (L, P, O) were left, without deletion."""
        whole, living, plan = self.alive, self.living, self._plan
        held = whole.cpu() & alive.cpu()
        try:
            self.alive = held.to(whole.device)
            self.living = held.flatten().nonzero().flatten().to(whole.device)
            self._plan = self._make_plan(whole)
            yield
        finally:
            self.alive, self.living, self._plan = whole, living, plan

    def _make_plan(self, built: torch.Tensor | None = None) -> list[list[_LivingPath]]:
        """List the living paths of each block for the forward pass, in the order of ``living``.

        Args:
            built: (L, P, O) which operations have modules; those that live if None.
        """
        living = self.alive.tolist()
        there = living if built is None else built.tolist()
        return [
            [
                _living_path(path, self.cell_tree[f"({block}, {row})"], _kept(uses, has))
                for row, (path, uses, has) in enumerate(
                    zip(self.space.paths, living[block], there[block], strict=True)
                )
                if any(uses)
            ]
            for block in range(self.space.num_blocks)
        ]


def _kept(uses: list[bool], has: list[bool]) -> list[bool]:
    """Of a path's operations, mark those in use."""
    return [used for used, there in zip(uses, has, strict=True) if there]


def _living_path(path: tuple[int, int], cell: Cell, kept: list[bool]) -> _LivingPath:
    """Take MONAI's cell apart: every operation but the identity is (activation, layers...)."""
    operations = (op for op, keep in zip(cell.op.ops, kept, strict=True) if keep)
    parts = [tuple(operation.children()) for operation in operations]
    activation = next((layers[0] for layers in parts if layers), nn.Identity())
    return _LivingPath(*path, cell.preprocess, activation, tuple(layers[1:] for layers in parts))


DEAD_LOGIT = -1e4
"""Logit of a dead path: its probability is zero to the last bit, and nothing is infinite."""

"""The search cell: every edge a mixed operation, weighted by the architecture parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar, cast

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from iac_components.common.small_convolutions import Float32SmallConvolutions
from iac_components.search_space.architecture import CellWeights
from iac_components.search_space.cells.cell_frame import CellFrame
from iac_components.search_space.cells.mixed_operation import MixedOperation, apply_weighted
from iac_components.search_space.cells.partial_channels import NodeSums
from iac_components.search_space.space import NONE_OPERATION, Edge, SearchSpace

__all__ = ["SearchCell", "WeightSlot"]

Output = TypeVar("Output")


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
        slot: holder of the weights of each pass, filled by the supernet.
        level: row of the weights that this cell uses: 0 if one genotype is shared.
        checkpointing: keep only the states for the backward pass; recompute the rest.

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
        checkpointing: bool = False,
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
        self.checkpointing = checkpointing
        self.edges = nn.ModuleDict(
            {
                _key(edge): MixedOperation(
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
        edge_weights = weights.edges[self.level]
        # One factor for each operation of each edge, so that no edge's sum is scaled once more.
        factors = weights.operations[self.level] * edge_weights.unsqueeze(-1)
        sums = NodeSums(self.space.num_nodes, self.space.channel_divisor)
        living = self.living_edges()
        states = self._run(self.project_inputs, skip, gate, {edge.input for edge in living})
        for name, state in states.items():
            self._pass_on(name, state, factors, edge_weights, sums)
        nodes: list[torch.Tensor | None] = [None] * self.space.num_nodes
        for node in sorted({edge.node for edge in living}):
            state = nodes[node] = sums.close(node)
            self._pass_on(f"node_{node}", state, factors, edge_weights, sums)
        return self._run(self.add_to_skip, skip, nodes)

    def living_edges(self) -> list[Edge]:
        """List the edges that have not been removed."""
        return [edge for edge in self.space.edges if _key(edge) in self.edges]

    def _run(self, part: Callable[..., Output], *inputs: object) -> Output:
        """Run a part of the cell, and keep only its inputs if checkpointing is on."""
        if not self.checkpointing:
            return part(*inputs)
        return cast(
            Output, checkpoint(part, *inputs, use_reentrant=False, context_fn=_as_computed_before)
        )

    def _pass_on(
        self,
        name: str,
        state: torch.Tensor,
        factors: torch.Tensor,
        edge_weights: torch.Tensor,
        sums: NodeSums,
    ) -> None:
        """Pass state ``name`` (B, C, *S) along its living edges to their nodes."""
        rows = [
            row
            for row, edge in enumerate(self.space.edges)
            if edge.input == name and _key(edge) in self.edges
        ]
        if not rows:
            return
        width = state.shape[1] // self.space.channel_divisor
        part, rest = state[:, :width], state[:, width:]
        mixed = self._mix(part, factors, rows)
        for row, output in zip(rows, mixed, strict=True):
            sums.add(self.space.edges[row].node, output, edge_weights[row] * rest)

    def _mix(
        self, part: torch.Tensor, factors: torch.Tensor, rows: Sequence[int]
    ) -> list[torch.Tensor]:
        """Weighted sum of the living operations of each edge in ``rows``, which share an input.

        Args:
            part: (B, C/K, *S).
            factors: (E, O).
            rows: R edges.

        Returns:
            R features (B, C/K, *S).
        """
        # Single values, since an index by a list of rows would make a GPU wait for the host.
        values = {row: factors[row].unbind() for row in rows}
        outputs: dict[int, torch.Tensor] = {}
        for column, operation in enumerate(self.space.operations):
            # `none` takes its share of the softmax and adds nothing: computing it would be waste.
            living = [row for row in rows if operation in self._operations(row)]
            if operation == NONE_OPERATION or not living:
                continue
            modules = [self._operations(row)[operation] for row in living]
            # One operation at a time: features that are recomputed together add to the peak memory.
            weighted = self._run(
                apply_weighted, modules, part, [values[row][column] for row in living]
            )
            for row, term in zip(living, weighted, strict=True):
                outputs[row] = outputs[row] + term if row in outputs else term
        return [outputs[row] for row in rows]

    def _operations(self, row: int) -> nn.ModuleDict:
        """Return the living operations of an edge."""
        edge = self.edges[_key(self.space.edges[row])]
        return cast(MixedOperation, edge).operations

    def prune(self, alive: torch.Tensor) -> None:
        """Delete the modules of dead operations and removed edges.

        Args:
            alive: (E, O) mask of this cell's level, on the CPU.
        """
        for row, edge in enumerate(self.space.edges):
            key = _key(edge)
            if key not in self.edges:
                continue
            lives = alive[row].tolist()
            names = [name for name, here in zip(self.space.operations, lives, strict=True) if here]
            mixed = self.edges[key]
            if names and isinstance(mixed, MixedOperation):
                mixed.keep(names)
            else:
                del self.edges[key]


def _as_computed_before() -> tuple[AbstractContextManager[object], AbstractContextManager[object]]:
    """Return contexts of a first and a repeated computation.

    Autocast comes back by itself, what it leaves alone on a CPU does not.
    """
    on_cpu = torch.is_autocast_enabled("cpu")
    return nullcontext(), Float32SmallConvolutions() if on_cpu else nullcontext()


def _key(edge: Edge) -> str:
    """Return the name of an edge's module."""
    return f"{edge.input}-to-node_{edge.node}"

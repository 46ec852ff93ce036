"""The supernet: a backbone with a search cell in every skip connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from monai.networks.blocks.activation_checkpointing import ActivationCheckpointWrapper
from torch import nn

from iac_components.built_weights import note_built
from iac_components.networks.cell_network import CellNetwork
from iac_components.networks.implant import find_skip_connections, implant, skip_modules
from iac_components.networks.pruned_state import prune_before_loading
from iac_components.networks.skip_connection import SkipConnection
from iac_components.search_space import (
    DEFAULT_OPERATIONS,
    ArchitectureParameters,
    CellWeights,
    SearchCell,
    SearchSpace,
    WeightSlot,
)

__all__ = ["CellSearchNetwork"]


class CellSearchNetwork(CellNetwork):
    """A backbone with search cells, and their architecture parameters beside it.

    Args:
        backbone: a U-shaped network; it is changed in place.
        operations: candidate operations of every edge.
        num_nodes: intermediate nodes of a cell.
        channel_divisor: K of the partial channels.
        separate_levels: find one cell for each skip level in place of one shared by all.
        frozen_backbone: train the cells alone (the setting of arXiv 2405.03420); the backbone then
            stays in eval mode.
        checkpointing: keep the cells' states alone for the backward pass and compute the features
            between them anew: less memory, more time.
        input_shape: (1, C, *S) of the dry pass that finds the channels; inferred by default.

    Raises:
        ValueError: if the backbone has no known skip connection, its channels are not divisible by
            K, or it would run cells a second time in the backward pass (CheckpointUNet).
    """

    def __init__(
        self,
        backbone: nn.Module,
        *,
        operations: Sequence[str] = DEFAULT_OPERATIONS,
        num_nodes: int = 4,
        channel_divisor: int = 4,
        separate_levels: bool = False,
        frozen_backbone: bool = True,
        checkpointing: bool = False,
        input_shape: Sequence[int] | None = None,
    ) -> None:
        connections = find_skip_connections(backbone, input_shape=input_shape)
        _refuse_recomputation(backbone, connections)
        space = SearchSpace(
            spatial_dims=connections[0].spatial_dims,
            operations=tuple(operations),
            num_nodes=num_nodes,
            channel_divisor=channel_divisor,
            levels=len(connections) if separate_levels else 1,
        )
        slot = WeightSlot()

        def make_search_cell(connection: SkipConnection) -> nn.Module:
            return SearchCell(
                connection.skip_channels,
                connection.gate_channels,
                space=space,
                slot=slot,
                level=connection.level if separate_levels else 0,
                checkpointing=checkpointing,
            )

        architecture = ArchitectureParameters(space)
        with torch.no_grad(), slot.holding(architecture()):
            implanted = implant(backbone, make_search_cell, input_shape=input_shape)
        super().__init__(implanted, frozen_backbone=frozen_backbone)
        self.space = space
        self.slot = slot
        self.architecture = architecture
        prune_before_loading(self, "architecture.alive", CellSearchNetwork.prune)
        note_built(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (B, C, *S) to logits, with the cells weighted by the architecture."""
        with self.slot.holding(self.architecture()):
            return super().forward(x)

    @property
    def alive(self) -> torch.Tensor:
        """(L, E, O) which operations still compete."""
        return self.architecture.alive

    def distributions(self) -> CellWeights:
        """The weights of operations (L, E, O) and edges (L, E)."""
        weights: CellWeights = self.architecture()
        return weights

    def architecture_parameters(self) -> Iterator[nn.Parameter]:
        """The alphas and betas."""
        return self.architecture.parameters()

    def weight_parameters(self) -> Iterator[nn.Parameter]:
        """What the weight optimizer trains: the cells, and the backbone unless it is frozen."""
        yield from self.cell_parameters()
        if not self.frozen_backbone:
            yield from self.backbone_parameters()

    def describe(self) -> dict[str, str]:
        """Living operations and decided edges, for a progress bar."""
        alive = self.architecture.alive.cpu()
        decided = alive.sum(dim=-1) <= 1
        return {
            "ops": f"{int(alive.sum())}/{alive.numel()}",
            "decided": f"{int(decided.sum())}/{decided.numel()} edges",
        }

    def prune(self, alive: torch.Tensor) -> None:
        """Delete operations and edges from the module tree.

        Args:
            alive: boolean (L, E, O); what is dead already stays dead.
        """
        self.architecture.prune(alive)
        remaining = self.architecture.alive.cpu()
        for cell in skip_modules(self.backbone):
            if isinstance(cell, SearchCell):
                cell.prune(remaining[cell.level])


def _refuse_recomputation(backbone: nn.Module, connections: Sequence[SkipConnection]) -> None:
    """Cells read the architecture's weights, which are gone when the forward pass is over."""
    for name, module in backbone.named_modules():
        if isinstance(module, ActivationCheckpointWrapper) and any(
            connection.name.startswith(f"{name}.") for connection in connections
        ):
            raise ValueError(
                f"{type(backbone).__name__} computes '{name}', cells within it included, a second "
                "time in the backward pass. Search with the plain network (UNet instead of "
                "CheckpointUNet; the weights fit) and with checkpointing=True for the cells."
            )

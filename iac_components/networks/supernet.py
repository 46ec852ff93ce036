"""The supernet: a backbone with a search cell in every skip connection."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, MutableMapping, Sequence

import torch
from monai.networks.blocks.activation_checkpointing import ActivationCheckpointWrapper
from torch import nn

from iac_components.common.built_weights import note_built
from iac_components.networks.implanted_network import ImplantedNetwork
from iac_components.networks.implanting.implant import (
    find_skip_connections,
    implant,
    replace_skip_module,
    skip_modules,
)
from iac_components.networks.implanting.skip_connection import SkipConnection
from iac_components.networks.implanting.untreated import treated_skip
from iac_components.networks.weights import prune_before_loading
from iac_components.search_space import (
    DEFAULT_OPERATIONS,
    TREATMENTS,
    ArchitectureParameters,
    CellWeights,
    SearchCell,
    SearchSpace,
    Treatment,
    WeightSlot,
)

__all__ = ["CellSearchNetwork"]


class CellSearchNetwork(ImplantedNetwork):
    """Backbone with search cells, and their architecture parameters.

    Args:
        backbone: a U-shaped network; it is changed in place.
        operations: candidate operations of every edge.
        num_nodes: intermediate nodes of a cell.
        channel_divisor: K of the partial channels.
        separate_levels: find a cell for each skip level instead of one shared by all.
        frozen_backbone: train only the cells (the setting of arXiv 2405.03420); the backbone then
            stays in eval mode.
        checkpointing: keep only the cells' states for the backward pass and recompute the
            features between them: less memory, more time.
        sites: where cells are searched: ``skips``, ``bottleneck``, ``decoder``; see
            ``SkipConnection``.
        input_shape: (1, C, *S) of the dry pass that finds the channels; inferred by default.

    Raises:
        ValueError: if the backbone has no known skip connection or lacks a site, its channels are
            not divisible by K, or it would run cells a second time in the backward pass
            (CheckpointUNet).

    Attributes:
        connections: where the cells are, by level.
        treatments: (levels,) treatment of each, as a position in ``TREATMENTS``.
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
        sites: Sequence[str] = ("skips",),
        input_shape: Sequence[int] | None = None,
    ) -> None:
        connections = find_skip_connections(backbone, input_shape=input_shape, sites=sites)
        _refuse_recomputation(backbone, connections)
        space = SearchSpace(
            spatial_dims=connections[0].spatial_dims,
            operations=tuple(operations),
            num_nodes=num_nodes,
            channel_divisor=channel_divisor,
            levels=len(connections) if separate_levels else 1,
            sites=tuple(sites),
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
            implanted = implant(backbone, make_search_cell, input_shape=input_shape, sites=sites)
        super().__init__(implanted, frozen_backbone=frozen_backbone)
        self.space = space
        self.slot = slot
        self.architecture = architecture
        self.connections = tuple(connections)
        self.treatments: torch.Tensor
        self.register_buffer("treatments", torch.zeros(len(connections), dtype=torch.long))
        prune_before_loading(self, "architecture.alive", CellSearchNetwork.prune)
        prune_before_loading(self, "treatments", CellSearchNetwork._take_treatments)
        self.register_load_state_dict_pre_hook(_add_treatments)  # type: ignore[no-untyped-call]
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
        """Return the weights of operations (L, E, O) and edges (L, E)."""
        weights: CellWeights = self.architecture()
        return weights

    def architecture_parameters(self) -> Iterator[nn.Parameter]:
        """Yield the alphas and betas."""
        return self.architecture.parameters()

    def weight_parameters(self) -> Iterator[nn.Parameter]:
        """Yield the parameters of the cells, and of the backbone unless it is frozen."""
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
        """Delete operations, edges and nodes from the module tree, and cells without a node.

        A node goes when it has lost its inputs.

        Args:
            alive: boolean (L, E, O); dead entries stay dead.
        """
        self.architecture.prune(alive)
        remaining = self.architecture.alive.cpu()
        for level, cell in enumerate(skip_modules(self.backbone)):
            if isinstance(cell, SearchCell):
                cell.prune(remaining[cell.level])
                if not len(cell.edges):
                    self._treat(level, "none")

    @property
    def skips(self) -> int:
        """Number of levels, the first, whose skip can be switched off."""
        return sum(connection.site == "skips" for connection in self.connections)

    def remove_cells(self, levels: Collection[int]) -> None:
        """Let the features of some levels pass as they do in the plain network.

        Rows of the architecture that no cell uses any more die with the last of them.

        Args:
            levels: positions in ``connections``; those without a cell stay as they are.

        Raises:
            ValueError: if there is no such level.
        """
        self._require(levels, below=len(self.connections))
        for level in levels:
            if self.treatments[level] == TREATMENTS.index("cell"):
                self._treat(level, "none")
        self._bury_unused()

    def switch_off(self, levels: Collection[int]) -> None:
        """Replace the skip features of some levels by zeros, and their cells with them.

        Args:
            levels: positions in ``connections`` of skips.

        Raises:
            ValueError: if there is no such level, or it is no skip.
        """
        self._require(levels, below=self.skips)
        for level in levels:
            self._treat(level, "off")
        self._bury_unused()

    def _require(self, levels: Iterable[int], *, below: int) -> None:
        wrong = [level for level in levels if not 0 <= level < below]
        if wrong:
            raise ValueError(f"levels must be from 0 to {below - 1}, got {wrong[0]}.")

    def _treat(self, level: int, treatment: Treatment) -> None:
        self.treatments[level] = TREATMENTS.index(treatment)
        replace_skip_module(self.backbone, level, treated_skip(treatment))

    def _bury_unused(self) -> None:
        cells = [cell for cell in skip_modules(self.backbone) if isinstance(cell, SearchCell)]
        alive = torch.zeros_like(self.alive)
        alive[[cell.level for cell in cells]] = True
        self.architecture.prune(alive)

    def _take_treatments(self, treatments: torch.Tensor) -> None:
        """Remove the cells that a saved network had lost."""
        for name, treat in (("none", self.remove_cells), ("off", self.switch_off)):
            treat((treatments == TREATMENTS.index(name)).nonzero().flatten().tolist())


def _add_treatments(
    network: CellSearchNetwork, state: MutableMapping[str, torch.Tensor], prefix: str, *_: object
) -> None:
    """Let older states load, in which every level had a cell."""
    state.setdefault(f"{prefix}treatments", torch.zeros_like(network.treatments))


def _refuse_recomputation(backbone: nn.Module, connections: Sequence[SkipConnection]) -> None:
    """Let cells read the architecture's weights, which are dropped after the forward pass."""
    for name, module in backbone.named_modules():
        if isinstance(module, ActivationCheckpointWrapper) and any(
            connection.name.startswith(f"{name}.") for connection in connections
        ):
            raise ValueError(
                f"{type(backbone).__name__} computes '{name}', cells within it included, a second "
                "time in the backward pass. Search with the plain network (UNet instead of "
                "CheckpointUNet; the weights fit) and with checkpointing=True for the cells."
            )

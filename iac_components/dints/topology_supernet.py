"""The DiNTS supernet: every path and operation of the space in one network."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from iac_components.common.built_weights import note_built
from iac_components.dints.decoding import decode
from iac_components.dints.memory_model import MemoryBudget
from iac_components.dints.search_topology import SearchTopology
from iac_components.dints.topology import DintsArchitecture
from iac_components.dints.topology_grid import DintsSpace
from iac_components.dints.topology_network import DintsNetwork, build_dints_network
from iac_components.search.stability_pruning.stability import BoolArray

__all__ = ["DintsSearchNetwork"]


class DintsSearchNetwork(DintsNetwork):
    """MONAI's DiNTS around :class:`SearchTopology`, its two sets of parameters kept apart.

    Args:
        space: the space.
        in_channels: channels of the image.
        out_channels: classes, background included.
    """

    def __init__(self, space: DintsSpace, *, in_channels: int, out_channels: int) -> None:
        super().__init__(
            SearchTopology(space),
            space=space,
            in_channels=in_channels,
            out_channels=out_channels,
            first_nodes=[1] * space.num_depths,
        )
        self.in_channels = in_channels
        self.out_channels = out_channels
        note_built(self)

    @property
    def topology(self) -> SearchTopology:
        """Paths, operations and architecture parameters."""
        topology: SearchTopology = self.dints_space
        return topology

    @property
    def alive(self) -> torch.Tensor:
        """(L, P, O) which operations still compete."""
        return self.topology.alive

    def distributions(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Operation probabilities (L, P, O), and (L, P) of each path on its own."""
        return self.topology.operation_probabilities(), self.topology.path_logits().sigmoid()

    def architecture_parameters(self) -> Iterator[nn.Parameter]:
        """MONAI's ``log_alpha_a`` (paths) and ``log_alpha_c`` (operations)."""
        yield self.topology.log_alpha_a
        yield self.topology.log_alpha_c

    def weight_parameters(self) -> Iterator[nn.Parameter]:
        """All others; MONAI's ``weight_parameters`` holds the architecture's too."""
        architecture = {id(parameter) for parameter in self.architecture_parameters()}
        return (p for p in self.parameters() if id(p) not in architecture)

    def prune(self, alive: torch.Tensor) -> None:
        """Delete operations and paths; see :meth:`SearchTopology.prune`."""
        self.topology.prune(alive)

    def describe(self) -> dict[str, str]:
        """Living operations and paths, for a progress bar."""
        alive = self.alive.cpu()
        paths = alive.any(dim=-1)
        return {
            "ops": f"{int(alive.sum())}/{alive.numel()}",
            "paths": f"{int(paths.sum())}/{paths.numel()}",
        }

    def living(self) -> BoolArray:
        """(L, P, O) which operations still compete, on the host."""
        alive: BoolArray = self.alive.cpu().numpy()
        return alive

    @torch.no_grad()
    def decode(self, budget: MemoryBudget | None = None) -> DintsArchitecture:
        """Return the most probable architecture that lives and fits the budget.

        Raises:
            BudgetError: if none fits.
        """
        operations, paths = self.distributions()
        return decode(
            self.space,
            paths.cpu().numpy(),
            operations.cpu().numpy(),
            alive=self.living(),
            costs=None if budget is None else budget.memory.costs,
            node_costs=None if budget is None else budget.memory.node_costs,
            max_cost=None if budget is None else budget.path_bytes,
        )

    @torch.no_grad()
    def inherited(self, architecture: DintsArchitecture) -> DintsNetwork:
        """Build the discrete network of ``architecture`` with a copy of the supernet's weights.

        Raises:
            ValueError: if the architecture has a path or operation that no longer lives here.
        """
        network = build_dints_network(
            architecture, in_channels=self.in_channels, out_channels=self.out_channels
        )
        network.to(self.alive.device)
        rows = {path: row for row, path in enumerate(self.space.paths)}
        names = self.space.operations
        for block, paths in enumerate(architecture.blocks):
            for path in paths:
                row = rows[path[:2]]
                living = self.alive[block, row].cpu().tolist()
                if not living[names.index(path.operation)]:
                    raise ValueError(f"block {block}: {path} was pruned from the supernet.")
                place = sum(living[: names.index(path.operation)])
                key = f"({block}, {row})"
                mine, theirs = self.topology.cell_tree[key], network.dints_space.cell_tree[key]
                theirs.preprocess.load_state_dict(mine.preprocess.state_dict())
                theirs.op.ops[0].load_state_dict(mine.op.ops[place].state_dict())
        for stem in ("stem_down", "stem_up", "stem_finals"):
            getattr(network, stem).load_state_dict(getattr(self, stem).state_dict())
        return network

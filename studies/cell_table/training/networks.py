"""The network of a configuration: a frozen backbone with cells at some of its levels."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from iac_components.networks import ImplantedNetwork, SkipConnection, implant
from iac_components.search_space import DiscreteCell
from studies.cell_table.rows.configurations import Configuration
from studies.cell_table.training.features import channels_last

__all__ = ["Unchanged", "cell_network"]


class Unchanged(nn.Module):
    """A skip connection without a cell."""

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Return ``skip`` (B, C, *S) as it is."""
        return skip


def cell_network(backbone: nn.Module, configuration: Configuration) -> ImplantedNetwork:
    """Put a configuration's cells, freshly drawn, into a copy of the trained backbone."""

    def make(connection: SkipConnection) -> nn.Module:
        genotype = configuration.genotype
        if genotype is None or not configuration.levels[connection.level]:
            return Unchanged()
        return DiscreteCell(connection.skip_channels, connection.gate_channels, genotype=genotype)

    implanted = implant(copy.deepcopy(backbone), make)
    return channels_last(ImplantedNetwork(implanted, frozen_backbone=True))

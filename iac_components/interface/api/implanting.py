"""The network with a found cell."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from iac_components.interface.api.runs.arguments import require
from iac_components.networks import ImplantedNetwork, implant_genotype
from iac_components.search_space import Genotype, load_genotype

__all__ = ["implant"]


def implant(
    network: nn.Module,
    genotype: Genotype | str | Path,
    *,
    frozen_backbone: bool = False,
    channel_divisor: int = 1,
    input_shape: Sequence[int] | None = None,
) -> ImplantedNetwork:
    """Return a copy of a network with a found cell wherever the genotype has one.

    Its output is the network's own, bit for bit, until it is trained, but for skips that the
    genotype switches off.

    Args:
        network: the network that the cell was searched for, or another U-shaped one of as many
            dimensions; it is not changed.
        genotype: the cell, or its ``genotype.json``.
        frozen_backbone: train only the cells.
        channel_divisor: 1, or that of the search for cells as narrow as in the search.
        input_shape: (1, C, *S) that the network takes; inferred by default.

    Raises:
        GenotypeError: if the genotype cannot be read or does not fit.
        ValueError: if the network has no known skip connection, or holds cells already.

    Example:
        >>> model = iac.implant(network, genotype)
        >>> image = torch.zeros(1, 1, 32, 32)
        >>> torch.equal(model.eval()(image), network.eval()(image))
        True
    """
    require({"frozen_backbone": frozen_backbone, "channel_divisor": channel_divisor})
    cell = genotype if isinstance(genotype, Genotype) else load_genotype(genotype)
    implanted = implant_genotype(
        copy.deepcopy(network), cell, channel_divisor=channel_divisor, input_shape=input_shape
    )
    return ImplantedNetwork(implanted, frozen_backbone=frozen_backbone)

"""nnU-Net's networks with a cell in their skip connections, as plans name them."""

from __future__ import annotations

import math
import pydoc
from collections.abc import Mapping, Sequence

from torch import nn

from iac_components.networks import implant_genotype
from iac_components.nnunet.decoder import blockwise
from iac_components.search_space import parse_genotype

__all__ = ["OWN_ARGUMENTS", "dry_pass_shape", "implanted_unet"]

OWN_ARGUMENTS = ("base_class", "genotype", "channel_divisor", "trainer")
"""Arguments of :func:`implanted_unet` that nnU-Net's own classes do not have."""


def implanted_unet(
    input_channels: int,
    num_classes: int,
    *,
    base_class: str,
    genotype: Mapping[str, object] | None = None,
    channel_divisor: int = 1,
    trainer: str | None = None,
    deep_supervision: bool = False,
    **arguments: object,
) -> nn.Module:
    """Build one of nnU-Net's networks with a found cell; plans name this function as their network.

    The weights of the network itself are drawn as nnU-Net draws them, and are the same at the same
    seed; the cell changes nothing until it is trained.

    Args:
        input_channels: of an image.
        num_classes: channels of the output.
        base_class: name of nnU-Net's class.
        genotype: content of a ``genotype.json``; None builds nothing.
        channel_divisor: 1, or K of the search for cells as narrow as those searched.
        trainer: the one that plans ask for, since it alone knows their options.
        deep_supervision: give the outputs of all levels, finest first.
        arguments: of nnU-Net's class.

    Returns:
        The network; its ``decoder`` has nnU-Net's ``deep_supervision``.

    Raises:
        ValueError: if another trainer builds it than the one that the plans are for.
        GenotypeError: if the genotype does not fit the network.
    """
    if trainer is not None or genotype is None:
        raise ValueError(
            f"these plans are for {trainer}, and this trainer would ignore their options: add "
            f"-tr {trainer}."
        )
    build = pydoc.locate(base_class)
    network: nn.Module = build(  # type: ignore[operator]
        input_channels=input_channels,
        num_classes=num_classes,
        deep_supervision=deep_supervision,
        **arguments,
    )
    initialize = network.initialize
    network.apply(initialize)  # type: ignore[arg-type]
    # nnU-Net would now initialize the cells in its way, and the network a second time.
    network.__dict__["initialize"] = _keep
    return implant_genotype(
        blockwise(network),
        parse_genotype(dict(genotype)),
        channel_divisor=channel_divisor,
        input_shape=dry_pass_shape(input_channels, arguments["strides"]),  # type: ignore[arg-type]
    )


def dry_pass_shape(channels: int, strides: Sequence[int | Sequence[int]]) -> tuple[int, ...]:
    """Return the smallest (1, C, *S) that a network takes: two voxels at its bottleneck.

    Args:
        channels: C.
        strides: of each stage, by axis.

    Raises:
        ValueError: if no stage says how many axes there are.
    """
    by_axis = [stride for stride in strides if not isinstance(stride, int)]
    if not by_axis:
        raise ValueError(f"strides must be given by axis, as nnU-Net's plans do, got {strides}.")
    dims = len(by_axis[0])
    stages = [[stride] * dims if isinstance(stride, int) else list(stride) for stride in strides]
    return (1, channels, *(2 * math.prod(stage[axis] for stage in stages) for axis in range(dims)))


def _keep(module: nn.Module) -> None:
    """Leave a module's weights as they were drawn."""

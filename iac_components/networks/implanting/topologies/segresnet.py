"""MONAI's SegResNets: a loop in a method adds each skip to the upsampled decoder feature."""

from __future__ import annotations

from itertools import chain, repeat

from monai.networks.nets import SegResNet, SegResNetDS, SegResNetDS2
from torch import Tensor, nn

from iac_components.networks.implanting.fusion import SkipFusion
from iac_components.networks.implanting.topologies.catalogue import (
    DecoderLoop,
    Topology,
    register_topology,
)

__all__ = ["AdditiveFusion"]


class AdditiveFusion(SkipFusion):
    """An upsampling block and the sum with the skip, which is refined first.

    ::

        gate (B, G, *s) ---------+----> block ----> + --> (B, C, *S)
                                 v                  ^
        skip (B, C, *S) ---> skip_module -----------+

    Without a skip (the variational branch of SegResNetVAE) it is the upsampling block alone. The
    modules at the bottleneck and the output, which is that of the level's convolutions, are called
    by the network's loop.
    """

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """Upsample ``x`` (B, G, *s) and add ``skip`` (B, C, *S), if there is one."""
        upsampled: Tensor = self.block(x)
        return upsampled if skip is None else upsampled + self.refine(skip, x)


def _pass_level(upsample: nn.Module, blocks: nn.Module, x: Tensor, skip: Tensor | None) -> Tensor:
    """Bring ``x`` to the next finer level, add the skip, and convolve."""
    # A caller may have put the plain block back at some levels.
    if skip is None or not isinstance(upsample, AdditiveFusion):
        output: Tensor = upsample(x)
        plain: Tensor = blocks(output if skip is None else output + skip)
        return plain
    x = upsample.enter(x)
    return upsample.leave(blocks(upsample(x, skip)), x)


def _decode(network: SegResNet, x: Tensor, down_x: list[Tensor]) -> Tensor:
    """``SegResNet.decode`` with the sums left to the fusions."""
    for upsample, layer, skip in zip(
        network.up_samples, network.up_layers, down_x[1:], strict=False
    ):
        x = _pass_level(upsample, layer, x, skip)
    return network.conv_final(x) if network.use_conv_final else x


def _forward(network: SegResNetDS, x: Tensor) -> Tensor | list[Tensor]:
    """``SegResNetDS._forward`` with the sums left to the fusions."""
    if network.preprocess is not None:
        x = network.preprocess(x)
    if not network.is_valid_shape(x):
        raise ValueError(
            f"Input spatial dims {x.shape} must be divisible by {network.shape_factor()}"
        )
    *skips, x = network.encoder(x)
    outputs: list[Tensor] = []
    # A network of one level has no skip.
    paired = zip(network.up_layers, chain(reversed(skips), repeat(None)), strict=False)
    for index, (level, skip) in enumerate(paired):
        x = _pass_level(level["upsample"], level["blocks"], x, skip)
        if len(network.up_layers) - index <= network.dsdepth:
            outputs.append(level["head"](x))
    outputs.reverse()
    return outputs if network.training and len(outputs) > 1 else outputs[0]


def _find_blocks(network: SegResNet) -> list[nn.Module]:
    return list(network.up_samples)


def _find_levels(network: SegResNetDS) -> list[nn.Module]:
    if isinstance(network, SegResNetDS2):
        raise ValueError(
            f"{type(network).__name__} hands every skip to two decoders, and a skip module "
            "belongs to one of them. Take SegResNetDS."
        )
    return [level["upsample"] for level in network.up_layers]


register_topology(Topology(SegResNet, AdditiveFusion, _find_blocks, DecoderLoop("decode", _decode)))
register_topology(
    Topology(SegResNetDS, AdditiveFusion, _find_levels, DecoderLoop("_forward", _forward))
)

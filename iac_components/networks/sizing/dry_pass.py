"""One forward pass that finds the blocks with a skip feature, and its shape."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import torch
from monai.networks.nets import UNETR
from torch import Tensor, nn

from iac_components.networks.implanting.fusion import SkipFusion
from iac_components.networks.implanting.skip_connection import SkipConnection
from iac_components.networks.implanting.wiring import wired

__all__ = ["ObservedBlock", "observe_blocks", "undisturbed"]

# Smallest first: the sizes serve only to make the pass succeed, and a small pass is a quick one.
# A network with more strides, or with an instance norm at its bottom, needs one of the later.
_SIZES = (32, 64, 128, 256)
_MOST_VOXELS = 128**3

_UNSEEN = SkipConnection(name="?", level=-1, skip_channels=0, gate_channels=0, spatial_dims=0)


@dataclass(frozen=True)
class ObservedBlock:
    """Decoder block with its inputs in the dry pass.

    Attributes:
        block: the module.
        skip: zeros in shape, type and device of the feature ``(B, C, *S)`` at the site, for a
            skip the encoder's.
        gate: the same for the coarser decoder feature ``(B, G, *s)``.
        site: out of ``SITES``.
    """

    block: nn.Module
    skip: Tensor
    gate: Tensor
    site: str = "skips"


def observe_blocks(
    network: nn.Module,
    blocks: Mapping[nn.Module, type[SkipFusion]],
    *,
    input_shape: Sequence[int] | None = None,
    sites: Collection[str] = ("skips",),
) -> list[ObservedBlock]:
    """Run the network once, in eval mode and without gradients, and watch the blocks.

    For the pass each block is wrapped as it will be in the end, around a module that hands the
    skip on: what a skip and a gate are is then said in one place, the wrapper's ``forward``.
    Training flags, parameters, buffers and the random state are afterwards as they were.

    Args:
        network: takes one tensor ``(B, C, *S)``.
        blocks: modules inside the network, each with its wrapper.
        input_shape: ``(B, C, *S)``; None infers channels and dimensions from the network's first
            convolution and tries sizes from 32 up (a UNETR has a size of its own).
        sites: to watch besides the skips.

    Returns:
        The blocks that got a skip feature, in the order in which they first got one, each once for
        every site that it has.

    Raises:
        ValueError: if the pass fails, or the shape can be neither read nor guessed.
    """
    shapes = [tuple(input_shape)] if input_shape is not None else list(_guess_shapes(network))
    failure: Exception | None = None
    for shape in shapes:
        try:
            return _observe(network, blocks, shape, {"skips", *sites})
        # A foreign network may raise anything on a size that does not suit it.
        except Exception as error:
            failure = error
    raise ValueError(
        f"The dry forward pass through {type(network).__name__} failed for input shape "
        f"{' and '.join(map(str, shapes))} ({failure}). Pass input_shape=(B, C, *S) that fits it."
    ) from failure


@contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """Put a network into eval mode without gradients for a block, and restore its state after."""
    flags = [(module, module.training) for module in network.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    tensors = chain(network.parameters(), network.buffers())
    devices = {tensor.get_device() for tensor in tensors if tensor.is_cuda}
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=sorted(devices)):
            network.eval()
            yield
    finally:
        for module, training in flags:
            module.training = training
        with torch.no_grad():
            for buffer, saved in buffers:
                buffer.copy_(saved)


class _Pass(nn.Module):
    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        return skip


def _observe(
    network: nn.Module,
    blocks: Mapping[nn.Module, type[SkipFusion]],
    shape: tuple[int, ...],
    sites: Collection[str],
) -> list[ObservedBlock]:
    observed: dict[tuple[nn.Module, str], ObservedBlock] = {}

    def watch(block: nn.Module, site: str, _: nn.Module, inputs: tuple[Tensor, Tensor]) -> None:
        skip, gate = (torch.zeros_like(feature) for feature in inputs)
        observed.setdefault((block, site), ObservedBlock(block, skip, gate, site))

    probes: dict[nn.Module, SkipFusion] = {}
    for block, fusion in blocks.items():
        probes[block] = fusion(block, None, connection=_UNSEEN)
        for site in sites:
            probe = _Pass()
            probe.register_forward_pre_hook(partial(watch, block, site))
            probes[block].put(probe, replace(_UNSEEN, site=site))
    with undisturbed(network), wired(network, probes):
        example = next(network.parameters())
        network(torch.zeros(shape, device=example.device, dtype=example.dtype))
    return list(observed.values())


def _guess_shapes(network: nn.Module) -> Iterator[tuple[int, ...]]:
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    convolution = next((m for m in network.modules() if isinstance(m, kinds)), None)
    if convolution is None:
        raise ValueError(
            f"{type(network).__name__} has no convolution to infer its input from. "
            "Pass input_shape=(B, C, *S)."
        )
    spatial_dims = len(convolution.kernel_size)
    for module in network.modules():
        if isinstance(module, UNETR):  # its position embedding fixes the size
            size = (f * p for f, p in zip(module.feat_size, module.patch_size, strict=True))
            yield (1, convolution.in_channels, *size)
            return
    for length in _SIZES:
        if length**spatial_dims <= _MOST_VOXELS:
            yield (1, convolution.in_channels, *[length] * spatial_dims)

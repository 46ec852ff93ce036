"""Check that a network can take a patch, before any data are read."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from iac_components.networks.sizing.dry_pass import undisturbed
from iac_components.networks.sizing.layer_memory import device_memory, largest_layer

__all__ = ["check_patch"]

_MULTIPLES = (16, 32, 64, 128)
_LEAST_SHARE = 3
"""A training step keeps more than this many times the largest layer, for any U-shaped network."""


def check_patch(network: nn.Module, *, num_channels: int, patch_size: Sequence[int]) -> None:
    """Run one empty patch through a network, and leave the network as it was.

    A patch that no memory of the device holds is told without a try: the system would end the
    process for it, without a word.

    Args:
        network: takes one tensor ``(B, C, *S)``.
        num_channels: C.
        patch_size: ``S``.

    Raises:
        ValueError: if the network fails on it, or it needs more memory than there is; the message
            names the sizes, the reason, and the next larger ones that the network takes.
    """
    sizes = tuple(patch_size)
    shape = (1, num_channels, *sizes)
    lack = _lack_of_memory(network, shape)
    if lack is not None:
        raise ValueError(f"--patch_size is {list(sizes)}: {lack} Pass a smaller one.")
    reason = _failure(network, shape)
    if reason is None:
        return
    larger = [tuple(-(-size // m) * m for size in sizes) for m in _MULTIPLES]
    fitting = next((s for s in larger if _fits(network, (1, num_channels, *s))), None)
    remedy = "" if fitting is None else f" Pass --patch_size {list(fitting)}, for instance."
    raise ValueError(
        f"--patch_size is {list(sizes)}: the network cannot take it ({reason}).{remedy}"
    )


def _fits(network: nn.Module, shape: tuple[int, ...]) -> bool:
    return _lack_of_memory(network, shape) is None and _failure(network, shape) is None


def _lack_of_memory(network: nn.Module, shape: tuple[int, ...]) -> str | None:
    """Return a warning if the device cannot hold a patch, else None."""
    device = next(network.parameters()).device
    available = device_memory(device)
    try:
        needed = _LEAST_SHARE * largest_layer(network, shape)
    # A size that does not suit it, or an operation that the meta device lacks: the pass will tell.
    except Exception:
        needed = _LEAST_SHARE * 4 * torch.Size(shape).numel()
    if available is None or needed <= available:
        return None
    return (
        f"one patch alone needs more than {needed / 1e9:.1f} GB of memory in this network, and "
        f"{'the GPU' if device.type == 'cuda' else 'this machine'} has {available / 1e9:.1f} GB."
    )


def _failure(network: nn.Module, shape: tuple[int, ...]) -> str | None:
    """Return the reason why a forward pass fails, on one line; None if it does not."""
    example = next(network.parameters())
    try:
        with undisturbed(network):
            network(torch.zeros(shape, device=example.device, dtype=example.dtype))
    except torch.OutOfMemoryError:
        return "the GPU has not enough memory free for it"
    # A network may raise anything on a size that does not suit it.
    except Exception as error:
        return " ".join(str(error).split())
    return None

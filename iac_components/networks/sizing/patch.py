"""Check that a network can take a patch, before any data are read."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from iac_components.networks.sizing.dry_pass import undisturbed

__all__ = ["check_patch"]

_MULTIPLES = (16, 32, 64, 128)


def check_patch(network: nn.Module, *, num_channels: int, patch_size: Sequence[int]) -> None:
    """Run one empty patch through a network, and leave the network as it was.

    Args:
        network: takes one tensor ``(B, C, *S)``.
        num_channels: C.
        patch_size: ``S``.

    Raises:
        ValueError: if the network fails on it; the message names the sizes, the reason, and the
            next larger ones that it takes.
    """
    sizes = tuple(patch_size)
    reason = _failure(network, (1, num_channels, *sizes))
    if reason is None:
        return
    larger = [tuple(-(-size // m) * m for size in sizes) for m in _MULTIPLES]
    fitting = next((s for s in larger if _failure(network, (1, num_channels, *s)) is None), None)
    remedy = "" if fitting is None else f" Pass --patch_size {list(fitting)}, for instance."
    raise ValueError(
        f"--patch_size is {list(sizes)}: the network cannot take it ({reason}).{remedy}"
    )


def _failure(network: nn.Module, shape: tuple[int, ...]) -> str | None:
    """Return the reason why a forward pass fails, on one line; None if it does not."""
    example = next(network.parameters())
    try:
        with undisturbed(network):
            network(torch.zeros(shape, device=example.device, dtype=example.dtype))
    except torch.OutOfMemoryError:
        raise
    # A network may raise anything on a size that does not suit it.
    except Exception as error:
        return " ".join(str(error).split())
    return None

"""Memory that autograd keeps for the backward passes of a search step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn

from iac_components.dints import saved_bytes
from iac_components.networks import CellSearchNetwork
from iac_components.search.bilevel.gradients import without_gradients

__all__ = ["kept_bytes", "search_passes"]


def search_passes(network: CellSearchNetwork) -> dict[str, list[nn.Parameter]]:
    """Return the passes of our search step, and the parameters that get no gradient in each."""
    return {
        "weight step": list(network.architecture_parameters()),
        "architecture step": list(network.weight_parameters()),
    }


def kept_bytes(
    network: nn.Module,
    compute_loss: Callable[[], torch.Tensor],
    passes: Mapping[str, Sequence[nn.Parameter]],
) -> dict[str, int]:
    """Bytes kept for the backward pass of each of ``passes``, parameters not counted.

    Args:
        network: in the mode that it trains in.
        compute_loss: runs the forward pass.
        passes: by name, the parameters that get no gradient.
    """
    kept = {}
    for name, switched_off in passes.items():
        with without_gradients(switched_off):
            kept[name] = saved_bytes(network, compute_loss)
    return kept

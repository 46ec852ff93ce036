"""Adapters with values as after a training, for tests."""

from __future__ import annotations

import torch
from torch import nn

from iac_components.adaptation import Adapter
from iac_components.adaptation.adapter.applying import attach_parts, gather_values
from iac_components.adaptation.adapter.base_network import (
    count_parameters,
    network_digest,
    network_name,
    private_copy,
)
from iac_components.adaptation.candidates import PlanOptions, find_candidate, in_order


def moved_adapter(
    network: nn.Module, *kinds: str, shape: tuple[int, ...] | None = None, seed: int = 0
) -> Adapter:
    """An adapter of these kinds whose every value has been moved at random."""
    options = PlanOptions(10**9, input_shape=shape)
    plans = tuple(find_candidate(kind).plan(network, options) for kind in in_order(kinds))
    attachments = attach_parts(private_copy(network).eval(), plans)
    torch.manual_seed(seed)
    with torch.no_grad():
        for attachment in attachments:
            for value in attachment.tensors.values():
                value.add_(0.1 * torch.rand_like(value))
    return Adapter(
        plans,
        gather_values(attachments),
        base_name=network_name(network),
        base_digest=network_digest(network),
        base_parameters=count_parameters(network),
    )

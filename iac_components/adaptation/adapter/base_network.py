"""The base network: told by its weights, and copied without being touched."""

from __future__ import annotations

import copy
import hashlib
from typing import TypeVar

import torch
from torch import Tensor, nn

__all__ = ["count_parameters", "network_digest", "private_copy"]

N = TypeVar("N", bound=nn.Module)


def network_digest(network: nn.Module) -> str:
    """Return SHA-256 over the names, types, shapes and values of a network's state dict.

    Memory format, device and order of the entries do not count.
    """
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        if not isinstance(value, Tensor):
            continue
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        flat = value.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return f"sha256:{digest.hexdigest()}"


def count_parameters(network: nn.Module) -> int:
    """Return the number of a network's parameters, each counted once."""
    return sum(parameter.numel() for parameter in network.parameters())


def private_copy(network: N) -> N:
    """Copy a network: new modules and buffers, parameters frozen and with the same storage.

    What is put into the copy, or trained there, leaves the network as it is; the copy takes next
    to no memory. A part that trains a parameter must give the copy a new one first.
    """
    memo: dict[int, object] = {
        id(parameter): nn.Parameter(parameter.detach(), requires_grad=False)
        for parameter in network.parameters()
    }
    return copy.deepcopy(network, memo)

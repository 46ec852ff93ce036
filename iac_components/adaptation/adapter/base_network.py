"""The base network: told by its weights, and copied without being touched."""

from __future__ import annotations

import copy
import hashlib
from typing import TypeVar

import torch
from torch import Tensor, nn

__all__ = [
    "count_parameters",
    "freeze",
    "is_scripted",
    "network_digest",
    "network_name",
    "private_copy",
]

N = TypeVar("N", bound=nn.Module)


def is_scripted(module: nn.Module) -> bool:
    """Return True for TorchScript, whose layers can be given other values and nothing else."""
    return isinstance(module, torch.jit.ScriptModule)


def network_name(network: nn.Module) -> str:
    """Return the name of a network's class; TorchScript keeps that of the class it was made of."""
    return str(network.original_name) if is_scripted(network) else type(network).__name__


def freeze(network: N) -> N:
    """Let no parameter of a network be trained, TorchScript or not; returns the network."""
    for parameter in network.parameters():
        parameter.requires_grad = False
    return network


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
    to no memory. A part that trains a parameter must give the copy a new one first. TorchScript is
    copied with its parameters.
    """
    memo: dict[int, object] = {
        id(parameter): nn.Parameter(parameter.detach(), requires_grad=False)
        for parameter in network.parameters()
    }
    # Otherwise TorchScript's parameters are copied as results of the released ones.
    with torch.no_grad():
        return copy.deepcopy(network, memo)

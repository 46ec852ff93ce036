"""Networks as TorchScript, saved and loaded as a user gets them."""

from __future__ import annotations

from io import BytesIO

import torch
from torch import Tensor, nn

WAYS = ("script", "trace")


def scripted(network: nn.Module, image: Tensor, way: str) -> torch.jit.ScriptModule:
    """Script or trace a network in eval mode; returns what is read from the file."""
    made = torch.jit.script(network) if way == "script" else torch.jit.trace(network, image)
    return reloaded(made)


def reloaded(network: torch.jit.ScriptModule) -> torch.jit.ScriptModule:
    """Save a network and read it back."""
    file = BytesIO()
    torch.jit.save(network, file)
    file.seek(0)
    return torch.jit.load(file)

"""Settings of objects as plain values, by which a resumed run is recognized."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np
import torch
from torch import nn

__all__ = ["digest_of_tensors", "plain", "structure_of"]

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_GENERATORS = frozenset({"R"})
"""Generators of MONAI's transforms: a state, not a setting."""


def plain(value: object) -> object:
    """Convert a setting to JSON values; an object is its class with its own settings."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, partial):
        return ["partial", plain(value.func), plain(value.args), plain(value.keywords)]
    if isinstance(value, nn.Module):
        return structure_of(value)
    name = type(value).__qualname__
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return str(value.__qualname__)
    if not hasattr(value, "__dict__"):
        return _ADDRESS.sub("", repr(value))
    settings = {key: item for key, item in vars(value).items() if key not in _GENERATORS}
    return {"class": name, **{key: plain(item) for key, item in settings.items()}}


def structure_of(module: nn.Module) -> str:
    """Return a module's class with a digest of its structure, independent of its weights."""
    shapes = [(name, tuple(tensor.shape)) for name, tensor in module.state_dict().items()]
    settings = [
        (name, type(part).__qualname__, sorted(_scalars(part).items()))
        for name, part in module.named_modules()
    ]
    text = f"{_ADDRESS.sub('', repr(module))}\n{settings}\n{shapes}"
    return f"{type(module).__name__} ({hashlib.sha256(text.encode()).hexdigest()[:12]})"


def _scalars(module: nn.Module) -> dict[str, object]:
    """Collect a module's own public settings that are plain; its mode is not one."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, bool | int | float | str) and name[0] != "_" and name != "training"
    }


def digest_of_tensors(tensors: Iterable[torch.Tensor]) -> str | None:
    """Return the SHA-256 of tensors' values in their order; None if there is none."""
    digest, found = hashlib.sha256(), False
    for tensor in tensors:
        found = True
        values = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(values.view(torch.uint8).numpy().tobytes())
    return f"sha256:{digest.hexdigest()}" if found else None

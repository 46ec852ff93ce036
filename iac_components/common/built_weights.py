"""Initial weights of a network, for a later check of whether others were loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

__all__ = ["note_built", "weights_put"]

N = TypeVar("N", bound=nn.Module)

_BUILT: WeakKeyDictionary[nn.Module, Mapping[str, str]] = WeakKeyDictionary()


def note_built(network: N) -> N:
    """Record the current weights of a network, unless recorded before, and return the record.

    Call it at the end of whatever builds a network, files that it begins with included.
    """
    if network not in _BUILT:
        _BUILT[network] = _digests(network)
    return network


def weights_put(network: nn.Module) -> str | None:
    """Digest the weights that were loaded into a network after it was built.

    Those that it has had from the start do not count: drawn on another machine, they may differ in
    their last bit.

    Returns:
        SHA-256 over names and values of what has changed; None if nothing has, or the network was
        not noted.
    """
    built = _BUILT.get(network)
    if built is None:
        return None
    changed = {name: value for name, value in _digests(network).items() if built.get(name) != value}
    if not changed:
        return None
    return "sha256:" + hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()


def _digests(network: nn.Module) -> dict[str, str]:
    state = network.state_dict()
    return {
        name: _digest(value)
        for name, value in state.items()
        # What is built on the meta device to be measured has no values.
        if isinstance(value, Tensor) and not value.is_meta
    }


def _digest(tensor: Tensor) -> str:
    values = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return hashlib.blake2b(values.numpy().tobytes(), digest_size=16).hexdigest()

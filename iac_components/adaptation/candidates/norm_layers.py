"""Norm layers of a network, in Python or in TorchScript, which tells them by their names alone."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase

from iac_components.adaptation.adapter.base_network import is_scripted

__all__ = ["NormLayers", "batch_norms", "norm_layers", "scale_and_shift"]

NormLayers = dict[str, tuple[nn.Module, ...]]
"""Norm layers by their paths.

Each is one module, but where TorchScript holds a layer that is used under several names: it makes a
module for each name, and all have the same tensors.
"""

_PER_BATCH = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm")
_PER_IMAGE = ("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "GroupNorm", "LayerNorm")


def norm_layers(network: nn.Module) -> NormLayers:
    """Return all norm layers."""
    return _layers(network, (_NormBase, nn.GroupNorm, nn.LayerNorm), (*_PER_BATCH, *_PER_IMAGE))


def batch_norms(network: nn.Module) -> NormLayers:
    """Return the batch norms that keep running statistics."""
    return {
        name: modules
        for name, modules in _layers(network, (_BatchNorm,), _PER_BATCH).items()
        if isinstance(getattr(modules[0], "running_mean", None), Tensor)
    }


def scale_and_shift(
    norm: nn.Module, *, device: torch.device, dtype: torch.dtype
) -> dict[str, Tensor]:
    """Return the ``weight`` and ``bias`` of a norm layer.

    A layer without gets a scale of 1 and a shift of 0; in TorchScript it can have none.
    """
    held = {name: getattr(norm, name, None) for name in ("weight", "bias")}
    found = {name: values for name, values in held.items() if isinstance(values, Tensor)}
    if is_scripted(norm):
        return found
    shape = _shape(norm)
    return {
        "weight": torch.ones(shape, device=device, dtype=dtype),
        "bias": torch.zeros(shape, device=device, dtype=dtype),
        **found,
    }


def _layers(
    network: nn.Module, kinds: tuple[type[nn.Module], ...], scripted: tuple[str, ...]
) -> NormLayers:
    found: NormLayers = {}
    first: dict[tuple[int, ...], str] = {}
    for name, module in network.named_modules():
        if is_scripted(module) and module.original_name in scripted:
            key = tuple(values.data_ptr() for values in module.state_dict().values())
            path = first.setdefault(key, name) if key else name
            found[path] = (*found.get(path, ()), module)
        elif isinstance(module, kinds):
            found[name] = (module,)
    return found


def _shape(norm: nn.Module) -> torch.Size:
    if isinstance(norm, nn.LayerNorm):
        return torch.Size(norm.normalized_shape)
    if isinstance(norm, nn.GroupNorm):
        return torch.Size((norm.num_channels,))
    return torch.Size((cast(_NormBase, norm).num_features,))

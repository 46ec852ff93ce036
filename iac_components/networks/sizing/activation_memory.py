"""Memory that training keeps for the backward pass, measured without using any."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import nn

__all__ = ["kept_bytes", "saved_bytes"]


def saved_bytes(module: nn.Module, compute: Callable[[], object]) -> int:
    """Bytes that autograd keeps for the backward pass of ``compute``, each tensor once.

    Parameters and buffers of ``module`` are not counted: they are there anyway.
    """
    own = {t.untyped_storage()._cdata for t in (*module.parameters(), *module.buffers())}
    # The tensors are held, so that no storage's address is used again while counting.
    seen: dict[int, torch.Tensor] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        key = tensor.untyped_storage()._cdata
        if key not in own:
            seen[key] = tensor
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(note, lambda t: t):
        result = compute()
    total = sum(tensor.untyped_storage().nbytes() for tensor in seen.values())
    del result
    return total


def kept_bytes(module: nn.Module, shape: Sequence[int]) -> int:
    """Bytes that a module keeps for the backward pass of an input of ``shape``, in float32.

    The pass runs on PyTorch's meta device, where tensors have shapes and no storage.

    Args:
        module: takes one tensor; left as it is.
        shape: ``(B, C, *S)``.

    Raises:
        Exception: whatever the module raises on a size that does not suit it, or if it computes
            something that the meta device cannot.
    """
    twin = copy.deepcopy(module).to("meta")
    example = torch.empty(tuple(shape), device="meta", requires_grad=True)
    return saved_bytes(twin, lambda: twin(example))

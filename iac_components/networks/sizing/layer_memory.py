"""Memory that a network needs for one image, computed without allocating it."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator

import torch
from torch import Tensor, nn

__all__ = ["device_memory", "largest_layer"]


def largest_layer(network: nn.Module, shape: tuple[int, ...]) -> int:
    """Count the bytes of the largest layer's input and output, the minimum of any pass.

    The pass runs on PyTorch's meta device, where tensors have shapes and no storage.

    Args:
        network: takes one tensor ``(B, C, *S)``; left as it is.
        shape: ``(B, C, *S)``.

    Raises:
        Exception: whatever the network raises on a size that does not suit it, or if it computes
            something that the meta device cannot.
    """
    example = next(network.parameters())
    twin = copy.deepcopy(network).to("meta").eval()
    largest = 0

    def note(_: nn.Module, inputs: object, output: object) -> None:
        nonlocal largest
        largest = max(largest, sum(t.nbytes for t in (*_tensors(inputs), *_tensors(output))))

    for module in twin.modules():
        if not list(module.children()):
            module.register_forward_hook(note)
    with torch.no_grad():
        twin(torch.empty(shape, device="meta", dtype=example.dtype))
    return largest


def device_memory(device: torch.device) -> int | None:
    """Return a device's memory in bytes, or None if it does not report it."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    if device.type != "cpu":
        return None
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Not on Windows.
        return None


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors(item)

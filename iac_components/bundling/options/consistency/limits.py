"""Sizes that exceed this machine's memory: the system would kill the process without a message."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import torch

from iac_components.bundling.options.values import refusal
from iac_components.networks.sizing.layer_memory import device_memory

__all__ = ["beyond_memory"]

_FEATURES = {2: 3, 3: 24}
"""Numbers that a network keeps at least for a number of the patch, by its count of axes."""

_BYTES = 4


def beyond_memory(values: Mapping[str, object]) -> Iterator[str]:
    """Yield a sentence for each size that cannot be held, least estimates taken.

    Args:
        values: of a run's options that are sound by themselves.
    """
    available = device_memory(torch.device("cpu"))
    if available is None:
        return
    channels = cast(int, values.get("in_channels", 1))
    for name in ("patch_size", "field_of_view"):
        if name not in values:
            continue
        sizes = cast(Sequence[int], values[name])
        # A window lies across the slices, whose number the data set has.
        kept = _FEATURES[len(sizes)] if name == "patch_size" else 1
        needed = _BYTES * channels * kept * math.prod(max(size, 1) for size in sizes)
        batch = cast(int, values.get("batch_size", 1)) if name == "patch_size" else 1
        if needed > available:
            yield refusal(name, values[name], _lack(needed, available))
        elif needed * batch > available:
            yield refusal("batch_size", batch, _lack(needed * batch, available))


def _lack(needed: int, available: int) -> str:
    return (
        f"this takes more than {needed / 1e9:.0f} GB of memory, and this machine has "
        f"{available / 1e9:.0f} GB. Lower it."
    )

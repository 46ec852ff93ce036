"""Cost of an adapter at inference."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from iac_components.adaptation.adapter.base_network import count_parameters

__all__ = ["InferenceCost", "measure_cost"]

WARM_UP = 2
REPEATS = 9
LEAST_REPEATS = 3
ENOUGH_SECONDS = 10.0
"""After which a large network is not timed again, once it was three times."""


@dataclass(frozen=True)
class InferenceCost:
    """Size and time of a network and of the same with its adapter.

    Attributes:
        parameters: of the two networks.
        milliseconds: of a pass of one window, median.
    """

    parameters: tuple[int, int]
    milliseconds: tuple[float, float]

    @property
    def ratio(self) -> float:
        """Time with the adapter over time without."""
        return self.milliseconds[1] / self.milliseconds[0]

    def plain(self) -> dict[str, object]:
        """Return the cost as JSON values."""
        return {
            "parameters": list(self.parameters),
            "milliseconds": [round(value, 3) for value in self.milliseconds],
            "ratio": round(self.ratio, 3),
        }


@torch.no_grad()
def measure_cost(network: nn.Module, adapted: nn.Module, shape: Sequence[int]) -> InferenceCost:
    """Time both networks in turn on an input of ``shape``, since the machine's load changes.

    Networks of the same layers, which differ in weights alone, cost the same.
    """
    networks = (network,) if _layers(network) == _layers(adapted) else (network, adapted)
    example = next(network.parameters())
    window = torch.zeros(tuple(shape), device=example.device, dtype=example.dtype)
    times: list[list[float]] = [[] for _ in networks]
    began = time.perf_counter()
    for repeat in range(WARM_UP + REPEATS):
        late = time.perf_counter() - began > ENOUGH_SECONDS
        if late and repeat >= WARM_UP + LEAST_REPEATS:
            break
        for one, found in zip(networks, times, strict=True):
            start = time.perf_counter()
            one(window)
            if window.is_cuda:
                torch.cuda.synchronize()
            found.append(1000 * (time.perf_counter() - start))
    medians = [statistics.median(found[WARM_UP:]) for found in times]
    return InferenceCost(
        (count_parameters(network), count_parameters(adapted)), (medians[0], medians[-1])
    )


def _layers(network: nn.Module) -> list[str]:
    """List modules and shapes of weights; folding changes the order of the latter."""
    modules = (f"{name} {type(module)}" for name, module in network.named_modules())
    weights = (f"{name} {tuple(value.shape)}" for name, value in network.state_dict().items())
    return sorted([*modules, *weights])

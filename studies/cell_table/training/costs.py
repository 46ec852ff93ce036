"""Costs of a network with cells: parameters, multiply-adds, milliseconds."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

import torch
from torch import nn

from iac_components.networks import ImplantedNetwork, measure_complexity

__all__ = ["Costs", "measure_costs"]

BATCH = 8
REPEATS = 7


@dataclass(frozen=True)
class Costs:
    """Costs of a configuration's cells, beside the plain backbone's.

    Attributes:
        parameters: of the cells.
        multiply_adds: of the cells, for one slice.
        milliseconds: of the whole network, a slice of a batch: least of several runs, in the time
            of the processor (the machine is shared), on one thread.
        plain_milliseconds: of the plain backbone, measured in turns with it.
    """

    parameters: int
    multiply_adds: int
    milliseconds: float
    plain_milliseconds: float

    def values(self) -> dict[str, object]:
        """Return the costs as JSON values."""
        return asdict(self)


def measure_costs(
    network: ImplantedNetwork, backbone: nn.Module, *, slice_shape: tuple[int, ...]
) -> Costs:
    """Count and time a network of cells against its plain backbone."""
    shape = (1, 1, *slice_shape)
    cells, plain = (measure_complexity(part, input_shape=shape) for part in (network, backbone))
    image = torch.zeros(BATCH, 1, *slice_shape).contiguous(memory_format=torch.channels_last)
    networks = (network.eval(), backbone.eval())
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(REPEATS + 1):
        for module, found in zip(networks, times, strict=True):
            found.append(_milliseconds(module, image) / BATCH)
    own, base = (round(min(found[1:]), 4) for found in times)
    added = cells.parameters - plain.parameters
    return Costs(added, (cells.flops - plain.flops) // 2, own, base)


@torch.no_grad()
def _milliseconds(network: nn.Module, image: torch.Tensor) -> float:
    start = time.process_time()
    network(image)
    return 1e3 * (time.process_time() - start)

"""Costs of operations and of whole networks with cells: time on the device, or multiply-adds."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from iac_components.common.ranks import copy_from_first
from iac_components.networks.implanting.implant import replace_skip_module, skip_modules
from iac_components.networks.implanting.untreated import treated_skip
from iac_components.networks.sizing.dry_pass import undisturbed
from iac_components.networks.supernet import CellSearchNetwork
from iac_components.search.stability_pruning.stability import FloatArray
from iac_components.search_space import (
    NONE_OPERATION,
    DiscreteCell,
    Genotype,
    build_operation,
)

__all__ = ["CostUnit", "Costs", "NetworkCosts", "Place"]

CostUnit = Literal["milliseconds", "multiply_adds"]

REPEATS = 7
"""Timed passes, of which the median counts, after as many as ``WARM_UP``."""

WARM_UP = 2


@dataclass(frozen=True)
class Place:
    """Features at a place for a cell, of one image.

    Attributes:
        skip: (1, C, *S) of the skip feature.
        gate: (1, G, *s) of the gate.
    """

    skip: tuple[int, ...]
    gate: tuple[int, ...]


@dataclass(frozen=True)
class NetworkCosts:
    """A pass of one image through the plain network and the one with cells.

    Attributes:
        plain: without any cell.
        cells: with the found ones.
    """

    plain: float
    cells: float

    @property
    def ratio(self) -> float:
        """Cost with cells over that of the plain network."""
        return self.cells / self.plain


class Costs:
    """Counts and times the candidates of a search, at the real size of an image.

    Build it before the search, while every place has its cell. Discrete cells are those that
    ``implant`` makes, whose operations see all channels. Norms, pooling and activations have no
    multiply-adds. With several ranks, the times of the first one count.

    Args:
        network: the supernet.
        image_shape: (C, *S) of an image.

    Attributes:
        places: sizes of the features at each place, by level.
    """

    def __init__(self, network: CellSearchNetwork, image_shape: Sequence[int]) -> None:
        self.network = network
        self.image_shape = tuple(image_shape)
        self.places = self._find_places()
        self._plain: float | None = None

    def operations(self, unit: CostUnit) -> FloatArray:
        """Return the cost of each of the O operations, over all places together.

        In multiply-adds, an operation that does anything to its feature counts at least one a
        value: of those without a multiply-add the identity is then the cheapest.
        """
        space = self.network.space
        found = np.zeros(len(space.operations))
        for column, name in enumerate(space.operations):
            for place in self.places:
                # Building an operation must not shift the search's random numbers.
                with torch.random.fork_rng(devices=[]):
                    operation = build_operation(
                        name, place.skip[1], spatial_dims=space.spatial_dims, affine=True
                    ).to(self._device)
                cost = self._of(operation, [self._zeros(place.skip)], unit)
                if unit == "multiply_adds" and not _passes_on(operation, name):
                    cost = max(cost, math.prod(place.skip))
                found[column] += cost
        return _agreed(found, self._device)

    def network_costs(self, genotype: Genotype, unit: CostUnit) -> NetworkCosts:
        """Return the cost of a pass through the plain network and the one with a genotype."""
        image = [self._zeros((1, *self.image_shape))]
        backbone = self.network.backbone
        found = []
        for chosen in (None, genotype):
            # Counts do not change; times are taken side by side, since the machine's load does.
            if chosen is None and unit == "multiply_adds" and self._plain is not None:
                found.append(self._plain)
                continue
            with _holding(backbone, self._modules(chosen)):
                found.append(self._of(backbone, image, unit))
        if unit == "multiply_adds":
            self._plain = found[0]
        plain, cells = _agreed(np.array(found), self._device).tolist()
        if all(genotype.treatment(level) == "none" for level in range(len(self.places))):
            cells = plain  # One and the same network: two timings of it differ by noise alone.
        return NetworkCosts(plain, cells)

    def parameters(self, genotype: Genotype) -> NetworkCosts:
        """Return the parameters of the plain network and of the one with a genotype."""
        counts = []
        for modules in (self._modules(None), self._modules(genotype)):
            with _holding(self.network.backbone, modules):
                counts.append(sum(p.numel() for p in self.network.backbone.parameters()))
        return NetworkCosts(*counts)

    def report(self, genotype: Genotype) -> dict[str, dict[str, float]]:
        """Return all costs as plain values, by unit."""
        times = self.network_costs(genotype, "milliseconds")
        counts = self.network_costs(genotype, "multiply_adds")
        parameters = self.parameters(genotype)
        return {
            "milliseconds": {"plain": round(times.plain, 4), "cells": round(times.cells, 4)},
            "multiply_adds": {"plain": int(counts.plain), "cells": int(counts.cells)},
            "parameters": {"plain": int(parameters.plain), "cells": int(parameters.cells)},
        }

    @property
    def _device(self) -> torch.device:
        return self.network.alive.device

    def _zeros(self, shape: tuple[int, ...]) -> Tensor:
        return torch.zeros(shape, device=self._device)

    def _find_places(self) -> list[Place]:
        modules = skip_modules(self.network.backbone)
        found: dict[nn.Module, Place] = {}

        def note(module: nn.Module, inputs: tuple[Tensor, Tensor]) -> None:
            skip, gate = inputs
            found[module] = Place(tuple(skip.shape), tuple(gate.shape))

        with ExitStack() as stack:
            for module in modules:
                stack.callback(module.register_forward_pre_hook(note).remove)
            stack.enter_context(undisturbed(self.network))
            self.network(self._zeros((1, *self.image_shape)))
        return [found[module] for module in modules]

    def _modules(self, genotype: Genotype | None) -> list[nn.Module]:
        """List each place's module, finest first; without a genotype, a plain network's."""
        modules: list[nn.Module] = []
        for level, place in enumerate(self.places):
            treatment = "none" if genotype is None else genotype.treatment(level)
            if genotype is None or treatment != "cell":
                modules.append(treated_skip(treatment))
            else:
                channels, gate = place.skip[1], place.gate[1]
                with torch.random.fork_rng(devices=[]):
                    cell = DiscreteCell(channels, gate, genotype=genotype, level=level)
                modules.append(cell.to(self._device))
        return modules

    def _of(self, module: nn.Module, inputs: Sequence[Tensor], unit: CostUnit) -> float:
        with undisturbed(module):
            if unit == "milliseconds":
                return _time(module, inputs)
            with FlopCounterMode(display=False) as counter:
                module(*inputs)
            return float(counter.get_total_flops()) / 2


def _passes_on(operation: nn.Module, name: str) -> bool:
    """Return True if an operation leaves a value unchanged: the identity, and ``none``."""
    return name == NONE_OPERATION or (isinstance(operation, nn.Sequential) and not len(operation))


def _time(module: nn.Module, inputs: Sequence[Tensor]) -> float:
    """Median time of a warm pass, in milliseconds."""
    times = []
    for _ in range(WARM_UP + REPEATS):
        _wait(inputs[0].device)
        start = time.perf_counter()
        module(*inputs)
        _wait(inputs[0].device)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[WARM_UP:])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def _holding(backbone: nn.Module, modules: Sequence[nn.Module]) -> Iterator[None]:
    """Put other skip modules into a network within the block."""
    own = skip_modules(backbone)
    try:
        for level, module in enumerate(modules):
            replace_skip_module(backbone, level, module)
        yield
    finally:
        for level, module in enumerate(own):
            replace_skip_module(backbone, level, module)


def _agreed(values: FloatArray, device: torch.device) -> FloatArray:
    """Return the first rank's values: times differ between machines."""
    tensor = torch.from_numpy(values).to(device)
    copy_from_first([tensor])
    agreed: FloatArray = tensor.cpu().numpy()
    return agreed

"""Cost of a network: parameters and floating-point operations."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from iac_components.common.files import write_json
from iac_components.common.ranks import is_first_rank
from iac_components.networks.sizing.dry_pass import undisturbed

__all__ = ["Complexity", "measure_complexity", "write_complexity"]

_LOGGER = logging.getLogger("iac_components.networks")


@dataclass(frozen=True)
class Complexity:
    """The cost of one forward pass.

    Attributes:
        parameters: number of parameters, frozen ones included.
        trainable_parameters: number of parameters that training changes.
        flops: floating-point operations of convolutions and matrix products in eval mode; a
            multiply-add counts as two. Pooling, norms and activations are not counted.
        input_shape: (B, C, *S) that the operations are for.
    """

    parameters: int
    trainable_parameters: int
    flops: int
    input_shape: tuple[int, ...]


def measure_complexity(network: nn.Module, *, input_shape: Sequence[int]) -> Complexity:
    """Count parameters and operations; the network's state stays as it was.

    Args:
        network: takes one tensor (B, C, *S).
        input_shape: (B, C, *S).

    Raises:
        ValueError: if the network has no parameter.
    """
    parameters = list(network.parameters())
    if not parameters:
        raise ValueError(f"{type(network).__name__} has no parameter to count.")
    example = torch.zeros(
        tuple(input_shape), device=parameters[0].device, dtype=parameters[0].dtype
    )
    with undisturbed(network), FlopCounterMode(display=False) as counter:
        network(example)
    return Complexity(
        parameters=sum(p.numel() for p in parameters),
        trainable_parameters=sum(p.numel() for p in parameters if p.requires_grad),
        flops=int(counter.get_total_flops()),
        input_shape=tuple(input_shape),
    )


def write_complexity(
    path: str | Path, network: nn.Module, *, input_shape: Sequence[int], **labels: str
) -> Complexity:
    """Measure a network, log one line and write ``network.json`` (the first of several processes).

    Args:
        path: the file to write.
        network: as for :func:`measure_complexity`.
        input_shape: (B, C, *S), usually one training patch.
        **labels: its names in the file and the log, such as ``skip_module="iac"``.
    """
    cost = measure_complexity(network, input_shape=input_shape)
    _LOGGER.info(
        f"{', '.join(f'{kind} {name!r}' for kind, name in labels.items())}: "
        f"{cost.parameters:,} parameters "
        f"({cost.trainable_parameters:,} trained), {cost.flops / 1e9:.3f} GFLOPs for an input "
        f"of {tuple(input_shape)}."
    )
    if is_first_rank():
        write_json(path, {**labels, **asdict(cost)})
    return cost

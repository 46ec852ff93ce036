"""The terms of the architecture's loss, one formula each (DiNTS, arXiv 2103.15954, section 3.3).

L blocks, P paths, K = 2**P - 1 patterns of active paths, O operations; all differentiable.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
from torch.nn import functional as F

from iac_components.dints.decoding.patterns import activation_patterns

__all__ = [
    "expected_cost",
    "memory_loss",
    "operation_entropy",
    "path_entropy",
    "pattern_probabilities",
    "topology_loss",
]

SMALL = 1e-5
"""Added within logarithms, as MONAI does."""


class _PatternTensors(NamedTuple):
    """``patterns`` (K, P); ``begins`` and ``ends`` (K, 2**D - 1): one-hot sets of active nodes."""

    patterns: torch.Tensor
    begins: torch.Tensor
    ends: torch.Tensor


@cache
def _tensors(num_depths: int, device: torch.device, dtype: torch.dtype) -> _PatternTensors:
    # Kept on the device: a copy each step would make a GPU wait.
    table = activation_patterns(num_depths)
    sets = range(1, 1 << num_depths)
    tables = (
        table.patterns.tolist(),
        [[source == nodes for nodes in sets] for source in table.sources],
        [[target == nodes for nodes in sets] for target in table.targets],
    )
    return _PatternTensors(*(torch.tensor(t, device=device, dtype=dtype) for t in tables))


def pattern_probabilities(path_logits: torch.Tensor, *, num_depths: int) -> torch.Tensor:
    """(L, K) probability of every pattern of active paths, given that not all are off.

    The product over the paths, each on its own: MONAI's ``get_prob_a(child=True)``, computed as a
    matrix product of logarithms.

    Args:
        path_logits: (L, P).
        num_depths: D.
    """
    patterns = _tensors(num_depths, path_logits.device, path_logits.dtype).patterns
    on, off = F.logsigmoid(path_logits), F.logsigmoid(-path_logits)
    some = torch.log(-torch.expm1(off.sum(dim=-1, keepdim=True)))
    return torch.exp(on @ patterns.T + off @ (1 - patterns).T - some)


def path_entropy(patterns: torch.Tensor) -> torch.Tensor:
    """Mean of -p log p over blocks and patterns (L, K): falls as the topology becomes discrete."""
    return -(patterns * torch.log(patterns + SMALL)).mean()


def operation_entropy(operations: torch.Tensor) -> torch.Tensor:
    """Mean of -p log p over blocks, paths and operations (L, P, O)."""
    # xlogy is exactly zero at zero, where a pruned operation stands.
    return -torch.xlogy(operations, operations.clamp_min(torch.finfo().tiny)).mean()


def topology_loss(patterns: torch.Tensor, *, num_depths: int) -> torch.Tensor:
    """Cross-entropy between the nodes that a block ends in and those that the next begins with.

    Summed over the L - 1 joints and all 2**D - 1 sets of active nodes. It is least where every
    block certainly begins where the one before certainly ends: then the best pattern of each block
    by itself is the architecture that decoding finds, and discretization changes little.

    Args:
        patterns: (L, K).
        num_depths: D.
    """
    tensors = _tensors(num_depths, patterns.device, patterns.dtype)
    ended, begun = patterns[:-1] @ tensors.ends, patterns[1:] @ tensors.begins
    joint = ended * torch.log(begun + SMALL) + (1 - ended) * torch.log(1 - begun + SMALL)
    return -joint.sum()


def expected_cost(
    paths: torch.Tensor, operations: torch.Tensor, costs: torch.Tensor
) -> torch.Tensor:
    """Cost to be expected of an architecture drawn from the distributions.

    Args:
        paths: (L, P) probability that a path is active.
        operations: (L, P, O).
        costs: (L, P, O) of an operation on an active path.
    """
    return (paths.unsqueeze(-1) * operations * costs).sum()


def memory_loss(expected_fraction: torch.Tensor, *, budget_fraction: float) -> torch.Tensor:
    """Distance of the expected memory from the budget, both as fractions of the whole space.

    Two-sided, as in the model zoo's search: memory that may be used should be used.
    """
    return (expected_fraction - budget_fraction).abs()

"""From probabilities to the architecture: the most probable one, or the best within a budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iac_components.dints.decoding.knapsack import Knapsack
from iac_components.dints.decoding.pattern_losses import pattern_losses
from iac_components.dints.decoding.patterns import activation_patterns
from iac_components.dints.decoding.viterbi import best_chain
from iac_components.dints.topology import DintsArchitecture
from iac_components.dints.topology_grid import DintsSpace

__all__ = ["BudgetError", "cheapest", "dearest", "decode"]


NodeCosts = tuple[ArrayLike, ArrayLike]
"""Costs of the nodes that the first block begins in, and of those that the last ends in."""


class BudgetError(ValueError):
    """No architecture of the space meets the budget."""


@dataclass(frozen=True, eq=False)
class _Candidates:
    """Candidates of the decoder and their costs; (L, P, O) unless said otherwise."""

    space: DintsSpace
    alive: NDArray[np.bool_]
    costs: NDArray[np.float64]
    pattern_costs: NDArray[np.float64]
    """(L, K): what a pattern costs beside its operations."""
    pattern_losses: NDArray[np.float64]
    """(L, K): -log p of every activation pattern."""
    operation_losses: NDArray[np.float64]
    """-log of the probability relative to the path's best living operation, 0 where dead."""


@dataclass(frozen=True, eq=False)
class _Choice:
    """An architecture with its loss (-log p) and its cost."""

    paths: NDArray[np.bool_]
    operations: NDArray[np.int64]
    loss: float
    cost: float


def decode(
    space: DintsSpace,
    path_probabilities: ArrayLike,
    operation_probabilities: ArrayLike,
    *,
    alive: ArrayLike | None = None,
    costs: ArrayLike | None = None,
    node_costs: NodeCosts | None = None,
    max_cost: float | None = None,
    provenance: Mapping[str, object] | None = None,
) -> DintsArchitecture:
    """Return the most probable architecture, if need be within a budget.

    Without a budget this is the one that MONAI's ``TopologySearch.decode()`` returns (DiNTS, arXiv
    2103.15954, section 3.2: paths by the shortest chain of patterns, the best operation on each),
    by a Viterbi pass instead of Dijkstra's algorithm on a dense matrix.

    With a budget, the loss -log p of an architecture counts its patterns and, for each active
    path, how much less probable its operation is than the path's best one. The least loss within
    the budget is found as a knapsack along the chain (:class:`Knapsack`), to about a hundredth of
    the budget; the result never exceeds it. Our choice; DiNTS decodes without a budget.

    Args:
        space: the space.
        path_probabilities: (L, P), each path on its own (sigmoid).
        operation_probabilities: (L, P, O), of each path's operations (softmax).
        alive: (L, P, O), whether an operation may be chosen; a path without any may not be.
        costs: (L, P, O), non-negative, of an operation on an active path; any unit.
        node_costs: (2**D,) each, of the set of depths that the first block begins in and of that
            which the last ends in; index bit d stands for depth d. Nothing by default.
        max_cost: largest total cost, in the unit of ``costs``; without it they are not used.
        provenance: JSON values to store with the architecture.

    Raises:
        ValueError: if an array has the wrong shape or a value out of range, or ``max_cost`` comes
            without ``costs``; the message names the argument.
        BudgetError: if even the cheapest architecture exceeds ``max_cost``.
        ArchitectureError: if ``alive`` leaves no architecture.
    """
    if max_cost is not None and costs is None:
        raise ValueError("max_cost needs costs: pass the cost of every operation of every path.")
    living = _living(space, alive)
    candidates = _Candidates(
        space,
        living,
        _costs(space, costs) if costs is not None else np.zeros(living.shape),
        _pattern_costs(space, node_costs),
        _pattern_losses(space, path_probabilities, living),
        _operation_losses(space, operation_probabilities, living),
    )
    choice = _choose(candidates, loss_weight=1, cost_weight=0)
    if max_cost is not None and not choice.cost <= max_cost:
        choice = _within_budget(candidates, max_cost)
    return DintsArchitecture.from_arrays(
        space, choice.paths, choice.operations, provenance=provenance
    )


def cheapest(
    space: DintsSpace,
    costs: ArrayLike,
    alive: ArrayLike | None = None,
    *,
    node_costs: NodeCosts | None = None,
) -> float:
    """Least total cost of any architecture: no smaller budget can be met.

    Raises:
        ValueError: as :func:`decode`.
    """
    living = _living(space, alive)
    losses = np.zeros((space.num_blocks, len(activation_patterns(space.num_depths).patterns)))
    candidates = _Candidates(
        space,
        living,
        _costs(space, costs),
        _pattern_costs(space, node_costs),
        losses,
        np.zeros(living.shape),
    )
    return _choose(candidates, loss_weight=0, cost_weight=1).cost


def dearest(
    space: DintsSpace,
    costs: ArrayLike,
    alive: ArrayLike | None = None,
    *,
    node_costs: NodeCosts | None = None,
) -> float:
    """Total cost of all living paths, each with its dearest living operation: a budget of 100 %.

    With ``node_costs``, those of all depths are added.

    Raises:
        ValueError: as :func:`decode`.
    """
    of_paths = np.where(_living(space, alive), _costs(space, costs), 0).max(-1).sum()
    of_nodes = sum(float(np.asarray(each)[-1]) for each in node_costs or ())
    return float(of_paths + of_nodes)


def _within_budget(candidates: _Candidates, max_cost: float) -> _Choice:
    """Choose the most probable candidate whose true cost fits; the cheapest if rounding hid all."""
    cheapest_choice = _choose(candidates, loss_weight=0, cost_weight=1)
    if not cheapest_choice.cost <= max_cost:
        raise BudgetError(
            f"max_cost is {max_cost:g}, but the cheapest architecture costs "
            f"{cheapest_choice.cost:g}. Allow at least that much, or search a smaller space."
        )
    table = activation_patterns(candidates.space.num_depths)
    dead = ~candidates.alive.any(-1) @ table.patterns.T
    knapsack = Knapsack.of(
        table,
        np.where(dead, np.inf, candidates.pattern_losses),
        candidates.operation_losses,
        alive=candidates.alive,
        costs=candidates.costs,
        pattern_costs=candidates.pattern_costs,
        max_cost=max_cost,
    )
    found = (_choice(candidates, rows, operations) for rows, operations in knapsack.chains())
    fitting = next((choice for choice in found if choice.cost <= max_cost), cheapest_choice)
    return min(fitting, cheapest_choice, key=lambda choice: choice.loss)


def _choose(candidates: _Candidates, *, loss_weight: float, cost_weight: float) -> _Choice:
    """Minimise the weighted sum of loss and cost over all architectures, exactly."""
    table = activation_patterns(candidates.space.num_depths)
    prices = loss_weight * candidates.operation_losses + cost_weight * candidates.costs
    operations = np.where(candidates.alive, prices, np.inf).argmin(-1)
    dead = ~candidates.alive.any(-1) @ table.patterns.T
    pattern_prices = loss_weight * candidates.pattern_losses
    pattern_prices += cost_weight * candidates.pattern_costs
    pattern_prices += _of(prices, operations) @ table.patterns.T
    rows = best_chain(np.where(dead, np.inf, pattern_prices), table)
    return _choice(candidates, rows, operations)


def _choice(
    candidates: _Candidates, rows: NDArray[np.int64], operations: NDArray[np.int64]
) -> _Choice:
    """Loss and cost of a pattern for each block and an operation for each path."""
    paths = activation_patterns(candidates.space.num_depths).patterns[rows]
    return _Choice(
        paths,
        operations,
        loss=float(
            candidates.pattern_losses[range(len(rows)), rows].sum()
            + (_of(candidates.operation_losses, operations) * paths).sum()
        ),
        cost=float(
            candidates.pattern_costs[range(len(rows)), rows].sum()
            + (_of(candidates.costs, operations) * paths).sum()
        ),
    )


def _of(values: NDArray[np.float64], operations: NDArray[np.int64]) -> NDArray[np.float64]:
    """(L, P): of (L, P, O) values those of each path's operation."""
    return np.take_along_axis(values, operations[..., None], -1)[..., 0]


def _pattern_losses(
    space: DintsSpace, path_probabilities: ArrayLike, alive: NDArray[np.bool_]
) -> NDArray[np.float64]:
    given = _numbers("path_probabilities", path_probabilities, alive.shape[:2], most=1)
    living = alive.any(-1)
    # Where a whole block is dead any probability will do: none of its patterns is allowed.
    probabilities = np.where(living, given, np.where(living.any(-1, keepdims=True), 0, 1))
    table = activation_patterns(space.num_depths)
    return pattern_losses(probabilities.astype(np.float32), table)


def _operation_losses(
    space: DintsSpace, operation_probabilities: ArrayLike, alive: NDArray[np.bool_]
) -> NDArray[np.float64]:
    given = _numbers("operation_probabilities", operation_probabilities, alive.shape, most=1)
    # A softmax can underflow; such an operation is as bad as can be, and still a choice.
    logs = np.log(np.maximum(given, np.finfo(np.float32).tiny))
    best = logs.max(-1, keepdims=True, where=alive, initial=-np.inf)
    return np.where(alive, best - logs, 0)


def _living(space: DintsSpace, alive: ArrayLike | None) -> NDArray[np.bool_]:
    shape = (space.num_blocks, len(space.paths), len(space.operations))
    if alive is None:
        return np.ones(shape, bool)
    return _numbers("alive", alive, shape, most=1) > 0


def _costs(space: DintsSpace, costs: ArrayLike) -> NDArray[np.float64]:
    shape = (space.num_blocks, len(space.paths), len(space.operations))
    return _numbers("costs", costs, shape, most=1e30)


def _pattern_costs(space: DintsSpace, node_costs: NodeCosts | None) -> NDArray[np.float64]:
    """(L, K): the first block's patterns cost what they begin in, the last's what they end in."""
    table = activation_patterns(space.num_depths)
    result = np.zeros((space.num_blocks, len(table.patterns)))
    if node_costs is not None:
        shape = (1 << space.num_depths,)
        first, last = (_numbers("node_costs", each, shape, most=1e30) for each in node_costs)
        result[0] += first[table.sources]
        result[-1] += last[table.targets]
    return result


def _numbers(
    name: str, values: ArrayLike, shape: tuple[int, ...], *, most: float
) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}.")
    wrong = ~((array >= 0) & (array <= most))
    if wrong.any():
        at = np.argwhere(wrong)[0].tolist()
        value = array[tuple(at)]
        raise ValueError(f"{name}{at} must be a number from 0 to {most:g}, got {value}.")
    return array

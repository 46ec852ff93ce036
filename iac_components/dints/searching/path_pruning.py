"""Pruning rules for stable paths and operations of a DiNTS supernet, as a pure function."""

from __future__ import annotations

from collections.abc import Sequence

from iac_components.dints.searching.remaining_topology import RemainingTopology
from iac_components.dints.topology import DintsArchitecture
from iac_components.search.stability_pruning.pruning import prune_operations
from iac_components.search.stability_pruning.stability import BoolArray, FloatArray

__all__ = ["prune_paths"]


def prune_paths(
    architecture: DintsArchitecture,
    probabilities: FloatArray,
    path_probabilities: FloatArray,
    *,
    alive: BoolArray,
    stable_operations: BoolArray,
    stable_paths: BoolArray | None,
    schedule: Sequence[int],
) -> BoolArray:
    """Take settled operations one step down the schedule, and drop settled paths that lost.

    A path has lost if it is rather absent than present. Nothing that ``architecture`` consists of
    ever goes. It is what decoding gives now, so that after any number of prunings some connected
    architecture within the budget is left. A path that is likely, and only the budget's choice
    leaves it out, stays until it becomes unlikely: dropping those too made the search of our first
    trial end in a network without a fine resolution. It goes at once if it begins in no living
    node, or ends in none: no architecture can use it any more.

    Args:
        architecture: the most probable one that lives and fits the budget.
        probabilities: (L, P, O) of the operations.
        path_probabilities: (L, P), each path on its own.
        alive: (L, P, O) what still competes.
        stable_operations: (L, P) paths whose operations have settled.
        stable_paths: (L, P) paths whose own probability has settled; None drops no path.
        schedule: falling counts of operations to keep.

    Returns:
        The new mask (L, P, O), a subset of ``alive``.
    """
    ranking = probabilities.copy()
    # Above any probability: a budget may choose another operation than the likeliest.
    ranking[architecture.choices] = 2.0
    result = prune_operations(
        architecture.space, ranking, alive=alive, stable=stable_operations, schedule=schedule
    )
    if stable_paths is not None:
        unlikely = path_probabilities < 0.5
        result[stable_paths & ~architecture.path_mask & unlikely] = False
        # The loss does not depend on a dead end, so nothing need ever make it unlikely.
        result = RemainingTopology(architecture.space, result).without(()).alive
    return result

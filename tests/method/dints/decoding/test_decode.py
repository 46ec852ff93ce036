"""The decoder is MONAI's without a budget, exact on tiny spaces, and keeps to a budget."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from drawn_distributions import chosen, draw, loss_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from iac_components.dints.decoding import BudgetError, cheapest, dearest, decode
from iac_components.dints.topology import ArchitectureError
from iac_components.dints.topology_grid import DintsSpace

SPACES = st.builds(
    DintsSpace, st.integers(1, 5), st.integers(2, 4), spatial_dims=st.sampled_from([2, 3])
)
SEEDS = st.integers(0, 2**32)


@given(SPACES, SEEDS, st.floats(0, 8), st.floats(0.3, 1))
@settings(max_examples=60)
def test_result_is_valid_and_alive(space, seed, scale, share):
    paths, operations, _ = draw(space, seed, scale)
    alive = np.random.default_rng(seed).random(operations.shape) < share
    try:
        found = decode(space, paths, operations, alive=alive)
    except ArchitectureError as error:
        assume("no allowed paths" not in str(error))
        raise
    assert found == decode(space, paths, operations, alive=alive)
    assert chosen(alive, found).all()
    # Probabilities that are equal but for rounding are equal: either operation may be taken.
    best = np.where(alive, operations, -1).max(-1)[found.path_mask]
    assert np.allclose(chosen(operations, found), best, rtol=1e-12, atol=0)
    assert (found.operation_indices[~found.path_mask] == 0).all()


@given(SPACES, SEEDS)
@settings(max_examples=40)
def test_dead_operations_do_not_turn_the_paths(space, seed):
    """A path is not less probable for having lost its best operation."""
    paths, operations, _ = draw(space, seed, 3.0)
    alive = operations < operations.max(-1, keepdims=True)
    found = decode(space, paths, operations, alive=alive)
    assert np.array_equal(found.path_mask, decode(space, paths, operations).path_mask)


@given(SPACES, SEEDS, st.floats(0.1, 5), st.lists(st.floats(0, 1), min_size=1, max_size=4))
@settings(max_examples=60)
def test_budget_is_kept_and_a_larger_one_is_no_worse(space, seed, scale, shares):
    paths, operations, costs = draw(space, seed, scale)
    least, most = cheapest(space, costs), dearest(space, costs)
    losses = []
    budgets = [least + share * (most - least) for share in sorted(shares)]
    for max_cost in budgets:
        found = decode(space, paths, operations, costs=costs, max_cost=max_cost)
        assert chosen(costs, found).sum() <= max_cost + 1e-9
        losses.append(loss_of(space, found, paths, operations))
    for (small, loss), (large, other) in pairwise(zip(budgets, losses, strict=True)):
        assert other <= loss + 1e-4 or large < 1.01 * small


@pytest.mark.parametrize("space", [DintsSpace(6, 3), DintsSpace(4, 4)], ids=str)
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_budget_is_used_up(space, share):
    """Every path would like to be there: what the budget allows is spent."""
    _, operations, costs = draw(space, 5, 0.5)
    least, most = cheapest(space, costs), dearest(space, costs)
    max_cost = least + share * (most - least)
    paths = np.full(costs.shape[:2], 0.9)
    found = decode(space, paths, operations, costs=costs, max_cost=max_cost)
    assert 0.93 * max_cost <= chosen(costs, found).sum() <= max_cost


def test_budget_spends_on_what_is_most_probable():
    """Of two equally dear operations the less sure one is given up first."""
    space = DintsSpace(2, 2, 2)
    paths = np.array([[0.99, 0.01, 0.01, 0.01]] * 2)
    operations = np.array([[[0.2, 0.8]] * 4, [[0.4, 0.6]] * 4])
    costs = np.array([[[1.0, 2.0]] * 4] * 2)
    chain = [
        decode(space, paths, operations, costs=costs, max_cost=most)
        .operation_indices[:, 0]
        .tolist()
        for most in (4, 3.5, 3, 2)
    ]
    assert chain == [[1, 1], [1, 0], [1, 0], [0, 0]]


def test_budget_that_nothing_meets():
    space = DintsSpace(3, 3)
    paths, operations, costs = draw(space, 0)
    least = cheapest(space, costs)
    decode(space, paths, operations, costs=costs, max_cost=least)
    message = f"max_cost is {least * 0.99:g}, but the cheapest architecture costs {least:g}"
    with pytest.raises(BudgetError, match=message):
        decode(space, paths, operations, costs=costs, max_cost=least * 0.99)
    with pytest.raises(BudgetError, match="max_cost is nan"):
        decode(space, paths, operations, costs=costs, max_cost=float("nan"))


def test_costs_without_a_budget_change_nothing():
    space = DintsSpace(3, 3)
    paths, operations, costs = draw(space, 1)
    assert decode(space, paths, operations, costs=costs) == decode(space, paths, operations)


@pytest.mark.parametrize("cost", [0.0, 1.0, 1e20])
def test_equal_costs(cost):
    space = DintsSpace(4, 3)
    paths, operations, _ = draw(space, 2)
    costs = np.full(operations.shape, cost)
    found = decode(space, paths, operations, costs=costs, max_cost=4 * cost)
    assert found.path_mask.sum() == (
        4 if cost else decode(space, paths, operations).path_mask.sum()
    )


def test_dead_paths_and_operations_count_for_no_budget():
    space = DintsSpace(2, 2, 2)
    costs = np.arange(16.0).reshape(2, 4, 2)
    alive = np.ones((2, 4, 2), bool)
    alive[:, 1:, :] = False
    alive[1, 0, 1] = False
    assert dearest(space, costs, alive) == costs[0, 0, 1] + costs[1, 0, 0]
    assert cheapest(space, costs, alive) == costs[0, 0, 0] + costs[1, 0, 0]


def test_dead_path_is_impossible_however_probable_it_was():
    space = DintsSpace(3, 2, 2)
    paths, operations, _ = draw(space, 3)
    alive = np.ones(operations.shape, bool)
    alive[:, 2] = False
    results = []
    for probability in (0.0, 0.5, 1.0):
        paths[:, 2] = probability
        results.append(decode(space, paths, operations, alive=alive))
    assert results[0] == results[1] == results[2]


def test_nothing_alive():
    space = DintsSpace(3, 2, 2)
    paths, operations, costs = draw(space, 0)
    alive = np.ones(operations.shape, bool)
    alive[1] = False
    for call in (
        lambda: decode(space, paths, np.where(alive, operations, 0), alive=alive),
        lambda: cheapest(space, costs, alive),
    ):
        with pytest.raises(ArchitectureError, match="through block 1"):
            call()
    # Each block has a path, but block 0 ends where block 1 cannot start.
    alive[:] = False
    alive[0, 0], alive[1:, 3] = True, True
    with pytest.raises(ArchitectureError, match="through block 1"):
        decode(space, paths, operations, alive=alive)


def test_ties_and_certainties_are_no_trouble():
    space = DintsSpace(3, 3)
    shape = (3, 7, 5)
    for probability in (0.5, 1.0):
        found = decode(space, np.full(shape[:2], probability), np.full(shape, 0.2))
        assert not found.operation_indices.any()
    assert found.path_mask.all()
    underflown = np.zeros(shape)
    underflown[..., 2] = 1
    assert (chosen(underflown, decode(space, np.full(shape[:2], 0.5), underflown)) == 1).all()


SPACE = DintsSpace(2, 2, 2)
GOOD = dict(zip(("paths", "operations", "costs"), draw(SPACE, 0), strict=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"paths": np.ones((2, 3))}, r"path_probabilities must have shape \(2, 4\), got \(2, 3\)"),
        ({"paths": np.full((2, 4), 1.5)}, r"path_probabilities\[0, 0\] must be .* 0 to 1, got 1.5"),
        ({"paths": np.full((2, 4), np.nan)}, r"path_probabilities\[0, 0\] .* got nan"),
        ({"paths": np.zeros((2, 4))}, r"path_probabilities\[0\] are all zero"),
        ({"operations": np.ones((2, 4))}, r"operation_probabilities must have shape \(2, 4, 2\)"),
        ({"operations": -GOOD["operations"]}, r"operation_probabilities\[0, 0, 0\] must be"),
        ({"alive": np.ones((2, 4))}, r"alive must have shape \(2, 4, 2\), got \(2, 4\)"),
        ({"costs": np.ones(3)}, r"costs must have shape \(2, 4, 2\), got \(3,\)"),
        ({"costs": -GOOD["costs"]}, r"costs\[0, 0, 0\] must be a number from 0"),
        ({"costs": np.full((2, 4, 2), np.inf)}, r"costs\[0, 0, 0\] must be .* got inf"),
        ({"costs": None}, "max_cost needs costs"),
    ],
)
def test_wrong_arguments(changes, message):
    values = {**GOOD, "alive": None, **changes}
    with pytest.raises(ValueError, match=message):
        decode(
            SPACE,
            values["paths"],
            values["operations"],
            alive=values["alive"],
            costs=values["costs"],
            max_cost=100.0,
        )


def test_provenance_is_kept():
    found = decode(SPACE, GOOD["paths"], GOOD["operations"], provenance={"seed": 3})
    assert found.provenance == {"seed": 3}


@pytest.mark.parametrize("seed", range(3))
def test_nodes_cost_too(seed):
    """Of all architectures of a tiny space: none within the budget is more probable."""
    space = DintsSpace(2, 2, 2)
    paths, operations, costs = draw(space, seed)
    random = np.random.default_rng(seed)
    nodes = (np.append(0, random.random(3)), np.append(0, random.random(3)))

    def cost(found):
        ends = [sum(on << d for d, on in enumerate(n)) for n in found.node_activations]
        return chosen(costs, found).sum() + nodes[0][ends[0]] + nodes[1][ends[-1]]

    least = cheapest(space, costs, node_costs=nodes)
    most = dearest(space, costs, node_costs=nodes)
    assert most == pytest.approx(dearest(space, costs) + nodes[0][3] + nodes[1][3])
    exact = decode(space, paths, operations, costs=costs, node_costs=nodes, max_cost=least)
    assert cost(exact) == pytest.approx(least)
    without = decode(space, paths, operations)
    assert decode(space, paths, operations, costs=costs, node_costs=nodes) == without
    for share in (0.1, 0.2, 0.4):
        max_cost = least + share * (cost(without) - least)
        found = decode(space, paths, operations, costs=costs, node_costs=nodes, max_cost=max_cost)
        assert cost(found) <= max_cost
        # What fits without its nodes' costs is no better than what fits with them.
        free = decode(space, paths, operations, costs=costs, max_cost=max_cost)
        assert (
            loss_of(space, free, paths, operations)
            <= loss_of(space, found, paths, operations) + 0.05
        )
    with pytest.raises(BudgetError):
        decode(space, paths, operations, costs=costs, node_costs=nodes, max_cost=0.99 * least)
    with pytest.raises(ValueError, match="node_costs must have shape"):
        decode(space, paths, operations, costs=costs, node_costs=([0.0], [0.0]), max_cost=9)

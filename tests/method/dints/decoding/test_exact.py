"""Decoding is exact: against MONAI's, and against every architecture of tiny spaces."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from drawn_distributions import chosen, draw, loss_of
from monai.networks.nets.dints import TopologySearch

from iac_components.dints.decoding import cheapest, dearest, decode
from iac_components.dints.topology_grid import DintsSpace


@pytest.mark.parametrize(
    ("num_blocks", "num_depths", "scale", "seed"),
    [
        *((blocks, 2, scale, 0) for blocks in (1, 2, 6) for scale in (0.01, 1.0, 5.0)),
        *((3, 3, scale, seed) for scale in (0.01, 0.5, 3.0) for seed in range(3)),
        # MONAI takes eight seconds for this one alone.
        (3, 4, 1.0, 0),
    ],
)
@pytest.mark.parametrize("spatial_dims", [3])
def test_same_architecture_as_monai(num_blocks, num_depths, scale, seed, spatial_dims, capsys):
    space = DintsSpace(num_blocks, num_depths, spatial_dims)
    torch.manual_seed(seed)
    theirs = TopologySearch(
        channel_mul=0.0625, num_blocks=num_blocks, num_depths=num_depths, spatial_dims=spatial_dims
    )
    with torch.no_grad():
        theirs.log_alpha_a.normal_(0, scale)
        theirs.log_alpha_c.normal_(0, scale)
        node_a, arch_code_a, arch_code_c, _ = theirs.decode()
        ours = decode(
            space, torch.sigmoid(theirs.log_alpha_a), torch.softmax(theirs.log_alpha_c, -1)
        )
    assert np.array_equal(ours.path_mask, arch_code_a)
    assert np.array_equal(ours.operation_indices, np.where(ours.path_mask, arch_code_c, 0))
    assert np.array_equal(ours.node_activations, node_a)
    capsys.readouterr()


def every_architecture(space, paths, operations, costs):
    """(loss, cost) of all architectures by brute force, from the formulas in float64."""
    losses, prices, starts, ends = [], [], [], []
    active = [row for row in product([0, 1], repeat=len(space.paths)) if any(row)]
    # All choices of one block: a pattern, and an operation (or none) for each path.
    rows = [
        [(row, picks) for row in active for picks in product(*(_picks(on, space) for on in row))]
        for _ in range(space.num_blocks)
    ]
    for block, choices in enumerate(rows):
        p = paths[block].astype(np.float32).astype(float)
        norm = 1 - np.prod(1 - p)
        joint = [np.prod(np.where(row, p, 1 - p)) / norm for row, _ in choices]
        regret = -np.log(operations[block] / operations[block].max(-1, keepdims=True))
        losses.append(-np.log(np.array(joint) + 1e-5) + 0.001 + _sum(regret, choices))
        prices.append(_sum(costs[block], choices))
        for found, end in ((starts, 0), (ends, 1)):
            masks = [
                {e[end] for e, on in zip(space.paths, row, strict=True) if on} for row, _ in choices
            ]
            found.append(np.array([sum(1 << depth for depth in mask) for mask in masks]))
    loss, price, last = losses[0], prices[0], ends[0]
    for block in range(1, space.num_blocks):
        before, after = np.nonzero(last[:, None] == starts[block])
        loss, price = loss[before] + losses[block][after], price[before] + prices[block][after]
        last = ends[block][after]
    return loss, price


def _picks(on, space):
    return range(len(space.operations)) if on else [None]


def _sum(values, choices):
    return np.array(
        [sum(values[p, o] for p, o in enumerate(picks) if o is not None) for _, picks in choices]
    )


@pytest.mark.parametrize("num_blocks", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_exact_on_tiny_spaces(num_blocks, seed):
    space = DintsSpace(num_blocks, 2, 2)
    paths, operations, costs = draw(space, seed)
    losses, prices = every_architecture(space, paths, operations, costs)
    best = decode(space, paths, operations)
    assert loss_of(space, best, paths, operations) == pytest.approx(losses.min(), abs=1e-4)
    assert cheapest(space, costs) == pytest.approx(prices.min())
    assert dearest(space, costs) == pytest.approx(costs.max(-1).sum())
    for share in (0.0, 0.02, 0.1, 0.3, 0.6, 0.95):
        most = chosen(costs, best).sum()
        max_cost = prices.min() + share * (most - prices.min()) + 1e-9
        found = decode(space, paths, operations, costs=costs, max_cost=max_cost)
        loss, price = loss_of(space, found, paths, operations), chosen(costs, found).sum()
        assert price <= max_cost
        # As good as the best of a budget that is a hundredth smaller: costs are rounded to bins.
        smaller = losses[prices <= 0.99 * max_cost]
        assert loss <= smaller.min(initial=np.inf) + 1e-4
        assert loss >= losses[prices <= max_cost].min() - 1e-4

"""Each term against its formula, MONAI's where it has one."""

from __future__ import annotations

import contextlib
import io
import math

import pytest
import torch
from dints_searches import PATCH, supernet
from hypothesis import given
from hypothesis import strategies as st
from monai.networks.nets.dints import TopologySearch
from torch.nn import functional as F

from iac_components.dints import ArchitectureRegularizer, MemoryBudget, MemoryModel
from iac_components.dints.objective.losses import (
    expected_cost,
    memory_loss,
    operation_entropy,
    path_entropy,
    pattern_probabilities,
    topology_loss,
)


@pytest.mark.parametrize("depths", [2, 3, 4])
def test_patterns_and_topology_as_monai(depths: int) -> None:
    torch.manual_seed(depths)
    with contextlib.redirect_stdout(io.StringIO()):
        search = TopologySearch(channel_mul=0.0625, num_blocks=3, num_depths=depths)
    torch.nn.init.normal_(search.log_alpha_a, std=2.0)
    expected = search.get_prob_a(child=True)[0]
    patterns = pattern_probabilities(search.log_alpha_a, num_depths=depths)
    torch.testing.assert_close(patterns, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(
        topology_loss(patterns, num_depths=depths),
        search.get_topology_entropy(expected),
        rtol=1e-4,
        atol=1e-4,
    )
    torch.testing.assert_close(
        path_entropy(patterns), -(expected * torch.log(expected + 1e-5)).mean()
    )


@given(st.lists(st.floats(-30, 30), min_size=4, max_size=4))
def test_patterns_are_a_distribution(logits: list[float]) -> None:
    patterns = pattern_probabilities(torch.tensor([logits]), num_depths=2)
    assert patterns.shape == (1, 15)
    assert float(patterns.sum()) == pytest.approx(1, abs=1e-3)


def test_operation_entropy_of_uniform_and_certain() -> None:
    uniform = torch.full((2, 3, 5), 0.2, requires_grad=True)
    assert operation_entropy(uniform).item() == pytest.approx(math.log(5) / 5)
    certain = F.one_hot(torch.zeros(2, 3, dtype=torch.long), 5).float().requires_grad_()
    value = operation_entropy(certain)
    value.backward()
    assert value.item() == 0
    assert torch.isfinite(certain.grad).all()


def test_topology_loss_is_least_where_blocks_meet() -> None:
    """Both blocks along the finest depth, against a second block that begins elsewhere."""
    far = -20.0
    along = torch.full((2, 4), far)
    along[:, 0] = -far
    apart = along.clone()
    apart[1] = torch.tensor([far, far, far, -far])
    losses = [
        float(topology_loss(pattern_probabilities(p, num_depths=2), num_depths=2))
        for p in (along, apart)
    ]
    assert losses[0] == pytest.approx(0, abs=1e-3)
    assert losses[1] > 5


def test_expected_cost_by_hand() -> None:
    paths = torch.tensor([[0.5, 1.0]])
    operations = torch.tensor([[[0.25, 0.75], [1.0, 0.0]]])
    costs = torch.tensor([[[4.0, 8.0], [3.0, 100.0]]])
    assert float(expected_cost(paths, operations, costs)) == 0.5 * 7 + 3


def test_memory_loss_has_two_sides() -> None:
    for fraction in (0.3, 0.7):
        assert float(memory_loss(torch.tensor(fraction), budget_fraction=0.5)) == pytest.approx(0.2)


def regularizer(**weights: float) -> ArchitectureRegularizer:
    network = supernet(spread=1.0)
    memory = MemoryModel(network, input_shape=(2, 1, *PATCH))
    return ArchitectureRegularizer(network, MemoryBudget(memory, fraction=0.8), **weights)


def test_expected_memory_of_a_certain_network_is_its_own() -> None:
    terms = regularizer()
    network, memory = terms.network, terms.budget.memory
    architecture = network.decode()
    with torch.no_grad():
        network.topology.log_alpha_a.copy_(torch.tensor(architecture.path_mask) * 80.0 - 40)
        one_hot = F.one_hot(torch.tensor(architecture.operation_indices), 5)
        network.topology.log_alpha_c.copy_(one_hot * 80.0)
    rows = architecture.path_mask.nonzero()
    costs = memory.costs[(*rows, architecture.operation_indices[rows])]
    expected = (memory.all_stems + costs.sum()) / memory.largest
    assert terms.terms()["expected_memory_fraction"].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["entropy_weight", "memory_weight", "topology_weight"])
def test_each_weight_scales_its_own_term(name: str) -> None:
    off = {"entropy_weight": 0.0, "memory_weight": 0.0, "topology_weight": 0.0}
    assert float(regularizer(**off)()) == 0
    once, twice = (float(regularizer(**{**off, name: weight})()) for weight in (1.0, 2.0))
    assert once > 0
    assert twice == pytest.approx(2 * once)
    with pytest.raises(ValueError, match=name):
        regularizer(**{name: -1.0})


def test_a_step_down_the_memory_term_comes_nearer_to_the_budget() -> None:
    terms = regularizer(entropy_weight=0.0, topology_weight=0.0)
    optimizer = torch.optim.Adam(terms.network.architecture_parameters(), lr=0.05)
    distances = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = terms()
        loss.backward()
        optimizer.step()
        distances.append(loss.item())
    assert distances[-1] < distances[0] / 2

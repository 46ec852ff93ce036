"""Softmaxes over what lives: sums, zeros, gradients and the guards of pruning."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iac_components.search_space import ArchitectureParameters, SearchSpace


def masks(space, seed, share):
    """A random mask that leaves each node an input."""
    generator = torch.Generator().manual_seed(seed)
    alive = torch.rand(space.levels, len(space.edges), len(space.operations), generator=generator)
    alive = alive < share
    for node in range(space.num_nodes):
        alive[:, space.edges_of(node).start, -1] = True
    return alive


def make(seed=0, **options):
    torch.manual_seed(seed)
    space = SearchSpace(2, ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3"), **options)
    return ArchitectureParameters(space)


def test_shapes_and_small_start():
    architecture = make(num_nodes=3, levels=2)
    weights = architecture()
    assert weights.operations.shape == architecture.alphas.shape == (2, 9, 4)
    assert weights.edges.shape == architecture.betas.shape == (2, 9)
    assert architecture.alphas.abs().max() < 0.01
    assert architecture.alphas.std() > 0
    assert architecture.alive.all()
    assert {name for name, _ in architecture.named_parameters()} == {"alphas", "betas"}


@given(st.integers(0, 10**6), st.floats(0.1, 1.0), st.floats(-30, 30))
def test_softmax_over_what_lives(seed, share, shift):
    architecture = make(seed, num_nodes=3, levels=2)
    space = architecture.space
    with torch.no_grad():
        architecture.alphas.mul_(3000)
        architecture.betas.mul_(3000)
    alive = masks(space, seed, share)
    architecture.prune(alive)
    operations, edges = architecture()
    lives = alive.any(dim=-1)
    assert torch.equal(operations > 0, alive) or (operations[~alive] == 0).all()
    assert (edges[~lives] == 0).all()
    assert torch.allclose(operations.sum(-1), lives.float(), atol=1e-5)
    for node in range(space.num_nodes):
        sums = edges[:, space.edges_of(node)].sum(-1)
        assert torch.allclose(sums, torch.ones_like(sums), atol=1e-5)
    with torch.no_grad():
        architecture.alphas.add_(shift)
        architecture.betas.add_(shift)
    shifted = architecture()
    assert torch.allclose(shifted.operations, operations, atol=1e-4)
    assert torch.allclose(shifted.edges, edges, atol=1e-4)


@given(st.integers(0, 10**6), st.floats(0.05, 1.0))
def test_dead_entries_get_no_gradient_and_no_nan(seed, share):
    architecture = make(seed, num_nodes=3)
    alive = masks(architecture.space, seed, share)
    architecture.prune(alive)
    operations, edges = architecture()
    loss = (operations * torch.randn_like(operations)).sum() + (
        edges * torch.randn_like(edges)
    ).sum()
    alphas, betas = torch.autograd.grad(loss, (architecture.alphas, architecture.betas))
    assert torch.isfinite(alphas).all()
    assert torch.isfinite(betas).all()
    assert (alphas[~alive] == 0).all()
    assert (betas[~alive.any(dim=-1)] == 0).all()
    competing = alive & (alive.sum(-1, keepdim=True) > 1)
    assert (alphas[competing] != 0).any() or not competing.any()


def test_survivors_keep_their_proportions():
    architecture = make(num_nodes=1)
    before = architecture().operations[0, 0]
    alive = torch.ones(1, 2, 4, dtype=torch.bool)
    alive[0, 0, 0] = False
    architecture.prune(alive)
    after = architecture().operations[0, 0]
    assert after[0] == 0
    assert torch.allclose(after[1:], before[1:] / before[1:].sum())


def test_nothing_comes_back_to_life():
    architecture = make(num_nodes=2)
    first, second = torch.ones(2, 1, 5, 4, dtype=torch.bool)
    first[0, 0, 1] = False
    second[0, 3] = False
    architecture.prune(first)
    architecture.prune(second)
    assert torch.equal(architecture.alive, first & second)


def bare(architecture, *nodes, level=0):
    """A mask without the inputs of some nodes."""
    alive = torch.ones_like(architecture.alive)
    for node in nodes:
        alive[level, architecture.space.edges_of(node)] = False
    return alive


def test_node_without_an_input_goes_with_its_outputs():
    architecture = make(num_nodes=3, levels=2)
    alive = bare(architecture, 1)
    alive[0, architecture.space.edges_of(2)] = False
    last = architecture.space.edges.index((2, "node_1"))
    alive[0, last] = True
    architecture.prune(alive)
    # Node 2 had no other input than node 1, so it goes too.
    assert architecture.alive[0].any(dim=-1).nonzero().flatten().tolist() == [0, 1]
    assert architecture.alive[1].all()
    operations, edges = architecture()
    assert torch.equal(edges[0, 2:], torch.zeros(7))
    assert torch.equal(operations[0, 2:], torch.zeros(7, 4))
    (operations.square().sum() + (edges * torch.arange(9.0)).square().sum()).backward()
    for parameter in (architecture.alphas, architecture.betas):
        assert torch.isfinite(parameter.grad).all()
        assert not parameter.grad[0, 2:].any()
        assert parameter.grad[0, :2].any()


def test_all_nodes_may_go():
    architecture = make(num_nodes=2)
    architecture.prune(torch.zeros_like(architecture.alive))
    assert not any(weights.any() for weights in architecture())


@pytest.mark.parametrize("shape", [(5, 4), (1, 4, 4), (2, 5, 4)])
def test_mask_of_another_space(shape):
    with pytest.raises(ValueError, match=r"expected a mask of \(1, 5, 4\)"):
        make(num_nodes=2).prune(torch.ones(shape, dtype=torch.bool))


def test_state_keeps_what_lives():
    architecture, other = make(num_nodes=2), make(1, num_nodes=2)
    alive = masks(architecture.space, 3, 0.5)
    architecture.prune(alive)
    other.load_state_dict(architecture.state_dict())
    assert torch.equal(other.alive, alive)
    assert torch.equal(other().operations, architecture().operations)

"""The search cell: zero start, gradients everywhere, masked equals deleted."""

from __future__ import annotations

import pytest
import torch

from iac_components.search_space import ArchitectureParameters, SearchCell, SearchSpace, WeightSlot

DIMS = pytest.mark.parametrize("spatial_dims", [2, 3])


def small(spatial_dims=2, num_nodes=2, divisor=4):
    names = ("none", "skip_connect", "avg_pool_3x3", "sep_conv_3x3")
    return SearchSpace(spatial_dims, names, num_nodes, channel_divisor=divisor)


@DIMS
@pytest.mark.parametrize("size", [(6, 3), (7, 4), (1, 1), (5, 1)])
def test_fresh_cell_returns_its_skip(lone, spatial_dims, size):
    cell = lone(small(spatial_dims))
    cell.skip = torch.randn(2, 8, *[size[0]] * spatial_dims)
    cell.gate = torch.randn(2, 6, *[size[1]] * spatial_dims)
    assert torch.equal(cell.run(), cell.skip)
    assert cell.open().run().shape == cell.skip.shape
    assert not torch.equal(cell.run(), cell.skip) or size == (1, 1)


@DIMS
def test_gradients_reach_everything(lone, spatial_dims):
    cell = lone(small(spatial_dims)).open()
    (cell.run() * torch.randn_like(cell.skip)).sum().backward()
    for name, parameter in [*cell.cell.named_parameters(), *cell.architecture.named_parameters()]:
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name
    assert (cell.architecture.alphas.grad != 0).all()
    assert (cell.architecture.betas.grad != 0).all()


def test_closed_cell_still_learns_to_open(lone):
    cell = lone(small())
    (cell.run() * torch.randn_like(cell.skip)).sum().backward()
    assert (cell.cell.scale.grad != 0).all()


def some_dead(space):
    alive = torch.ones(1, len(space.edges), len(space.operations), dtype=torch.bool)
    alive[0, 0, [0, 2]] = False  # operations of an edge
    alive[0, 2] = False  # a whole edge
    alive[0, 4, 1:3] = False
    return alive


@DIMS
def test_masked_equals_deleted(lone, spatial_dims):
    cell = lone(small(spatial_dims)).open()
    full = cell.run()
    count = len(list(cell.cell.parameters()))
    cell.architecture.prune(some_dead(cell.space))
    masked = cell.run()
    cell.cell.prune(cell.architecture.alive[0])
    assert torch.equal(cell.run(), masked)
    assert not torch.equal(full, masked)
    assert len(list(cell.cell.parameters())) < count
    assert "skip-to-node_1" not in cell.cell.edges
    assert list(cell.cell.edges["skip-to-node_0"].operations) == ["skip_connect", "sep_conv_3x3"]
    cell.cell.prune(cell.architecture.alive[0])  # again: nothing more to do
    assert torch.equal(cell.run(), masked)


def test_constant_added_to_the_alphas_changes_nothing(lone):
    cell = lone(small()).open()
    before = cell.run()
    with torch.no_grad():
        cell.architecture.alphas.add_(2.0)
        cell.architecture.betas.sub_(3.0)
    assert torch.allclose(cell.run(), before, atol=1e-4)


def test_each_level_reads_its_own_weights():
    torch.manual_seed(0)
    space = SearchSpace(2, ("none", "skip_connect", "max_pool_3x3"), 2, channel_divisor=1, levels=2)
    architecture, slot = ArchitectureParameters(space), WeightSlot()
    cells = [SearchCell(4, 4, space=space, slot=slot, level=level) for level in range(2)]
    x = torch.randn(1, 4, 6, 6)
    for cell in cells:
        torch.nn.init.ones_(cell.scale)
    with slot.holding(architecture()):
        total = cells[1](x, x).square().sum()
    total.backward()
    assert (architecture.alphas.grad[0] == 0).all()
    assert (architecture.alphas.grad[1] != 0).any()


def test_cell_needs_its_supernet(lone):
    cell = lone(small())
    with pytest.raises(RuntimeError, match="only within its supernet"):
        cell.cell(cell.skip, cell.gate)
    cell.run()
    with pytest.raises(RuntimeError, match="only within its supernet"):
        cell.cell(cell.skip, cell.gate)  # weights of the pass before are gone


def test_weights_are_let_go_after_an_error(lone):
    cell = lone(small())
    cell.gate = cell.gate[:, :1]
    with pytest.raises(RuntimeError):
        cell.run()
    with pytest.raises(RuntimeError, match="only within its supernet"):
        cell.slot.read()


def test_indivisible_channels_raise_at_construction():
    with pytest.raises(ValueError, match="6 channels cannot be divided by K=4"):
        SearchCell(6, 4, space=small(), slot=WeightSlot(), level=0)

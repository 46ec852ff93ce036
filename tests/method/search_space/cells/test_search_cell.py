"""The search cell: zero start, gradients everywhere, masked equals deleted."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

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
    # Not to the bit: fewer edges share a convolution, which then rounds otherwise.
    deleted = cell.run()
    assert torch.allclose(deleted, masked, atol=1e-5)
    assert not torch.allclose(full, masked, atol=1e-3)
    assert len(list(cell.cell.parameters())) < count
    assert "skip-to-node_1" not in cell.cell.edges
    assert list(cell.cell.edges["skip-to-node_0"].operations) == ["skip_connect", "sep_conv_3x3"]
    cell.cell.prune(cell.architecture.alive[0])  # again: nothing more to do
    assert torch.equal(cell.run(), deleted)


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


def edge_by_edge(cell):
    """The cell as PC-DARTS writes it: each edge on its own, each operation on its own."""
    operations, edges = (weights[0] for weights in cell.architecture())
    inner, divisor = cell.cell, cell.space.channel_divisor
    states = inner.project_inputs(cell.skip, cell.gate)
    nodes = []
    for node in range(cell.space.num_nodes):
        total = 0.0
        for row, edge in enumerate(cell.space.edges):
            name = f"{edge.input}-to-node_{edge.node}"
            if edge.node != node or name not in inner.edges:
                continue
            x = states[edge.input]
            width = x.shape[1] // divisor
            mixed = sum(
                operations[row, cell.space.operations.index(key)] * module(x[:, :width])
                for key, module in inner.edges[name].operations.items()
            )
            joined = torch.cat([mixed, x[:, width:]], dim=1)
            shuffled = joined.unflatten(1, (divisor, -1)).transpose(1, 2).flatten(1, 2)
            total = total + edges[row] * shuffled
        states[f"node_{node}"] = total
        nodes.append(total)
    return inner.add_to_skip(cell.skip, nodes)


@DIMS
@pytest.mark.parametrize("channels", [8, 80])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("pruned", [False, True])
def test_shared_work_changes_neither_output_nor_gradients(
    lone, spatial_dims, channels, checkpointing, pruned
):
    # 80 channels: more than what separable convolutions are merged for.
    space = SearchSpace(spatial_dims, num_nodes=2)
    cell = lone(space, channels=channels).open()
    for module in (cell.cell, cell.architecture):
        module.double()
    cell.skip, cell.gate = cell.skip.double(), cell.gate.double()
    cell.cell.checkpointing = checkpointing
    if pruned:
        alive = torch.rand(cell.architecture.alive.shape) > 0.4
        alive[..., 4] = True
        cell.architecture.prune(alive)
        cell.cell.prune(cell.architecture.alive[0])
    probe = torch.randn_like(cell.skip)
    parameters = [*cell.cell.parameters(), *cell.architecture.parameters()]
    outputs = [cell.run(), edge_by_edge(cell)]
    assert torch.allclose(*outputs, rtol=1e-9, atol=1e-10)
    gradients = [torch.autograd.grad((out * probe).sum(), parameters) for out in outputs]
    for ours, plain in zip(*gradients, strict=True):
        assert torch.allclose(ours, plain, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("frozen", ["weights", "architecture"])
@pytest.mark.parametrize("channels", [8, 80])
def test_gradients_of_one_kind_alone_are_the_same(lone, frozen, channels):
    cell = lone(SearchSpace(2, num_nodes=2), channels=channels).open()
    cell.cell.to(memory_format=torch.channels_last)
    cell.skip = cell.skip.to(memory_format=torch.channels_last)
    probe = torch.randn_like(cell.skip)
    kinds = {"weights": list(cell.cell.parameters()), "architecture": [cell.architecture.alphas]}
    wanted = kinds["architecture" if frozen == "weights" else "weights"]
    expected = torch.autograd.grad((cell.run() * probe).sum(), wanted)
    for parameter in kinds[frozen]:
        parameter.requires_grad_(False)
    alone = torch.autograd.grad((cell.run() * probe).sum(), wanted)
    for ours, both in zip(alone, expected, strict=True):
        assert torch.allclose(ours, both, rtol=1e-3, atol=1e-4)


def test_checkpointing_keeps_less_for_the_backward_pass(lone):
    kept = []
    for checkpointing in (False, True):
        cell = lone(SearchSpace(2)).open()
        cell.cell.checkpointing = checkpointing
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t, sizes=sizes: sizes.append(t.nbytes) or t, lambda t: t
        ):
            cell.run()
        kept.append(sum(sizes))
    assert kept[1] < 0.5 * kept[0]


def test_checkpointing_computes_one_operation_at_a_time_anew(lone):
    """Features that are recomputed together add to the peak memory."""
    names = ("sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3")
    cell = lone(SearchSpace(2, names, 1), channels=80).open()
    cell.cell.checkpointing = True
    events = []
    for edge, mixed in cell.cell.edges.items():
        for name, operation in mixed.operations.items():
            first = operation[1]  # of its depthwise convolutions
            key = (edge, name)
            first.register_forward_hook(lambda *_, key=key: events.append(("anew", key)))
            first.weight.register_hook(lambda _, key=key: events.append(("done", key)))
    loss = (cell.run() * torch.randn_like(cell.skip)).sum()
    events.clear()
    loss.backward()
    assert len(events) == 2 * len(names) * len(cell.cell.edges)
    for anew, done in zip(events[::2], events[1::2], strict=True):
        assert (anew[0], done[0]) == ("anew", "done")
        assert anew[1] == done[1]


def bare(space, *nodes):
    """A mask without the inputs of some nodes."""
    alive = torch.ones(1, len(space.edges), len(space.operations), dtype=torch.bool)
    for node in nodes:
        alive[0, space.edges_of(node)] = False
    return alive


@DIMS
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("gone", [(0,), (1,), (2,), (0, 2), (0, 1, 2)])
def test_removed_node_is_a_node_at_zero(lone, spatial_dims, checkpointing, gone):
    cell = lone(small(spatial_dims, num_nodes=3)).open()
    for module in (cell.cell, cell.architecture):
        module.double()
    cell.skip, cell.gate = cell.skip.double(), cell.gate.double()
    cell.cell.checkpointing = checkpointing
    full = cell.run()
    shapes = {name: p.shape for name, p in cell.cell.output_projection.named_parameters()}
    cell.architecture.prune(bare(cell.space, *gone))
    masked = cell.run()
    cell.cell.prune(cell.architecture.alive[0])
    deleted = cell.run()
    torch.testing.assert_close(deleted, masked, rtol=1e-12, atol=1e-12)
    assert not torch.equal(deleted, full)
    assert torch.equal(deleted, cell.skip) == (len(gone) == 3)
    after = {name: p.shape for name, p in cell.cell.output_projection.named_parameters()}
    assert after == shapes
    if len(gone) < 3:
        (deleted * torch.randn_like(deleted)).sum().backward()
        weight = cell.cell.output_projection[0].weight.grad
        for node, block in enumerate(weight.chunk(3, dim=1)):
            assert block.any() == (node not in gone)


@DIMS
def test_removed_node_saves_its_compute(lone, spatial_dims):
    space = small(spatial_dims, num_nodes=3)
    cell, costs = lone(space, channels=32).open(), []
    sizes = []
    for gone in [(), (2,), (1, 2), (0, 1, 2)]:
        cell.architecture.prune(bare(space, *gone))
        cell.cell.prune(cell.architecture.alive[0])
        with FlopCounterMode(display=False) as counter:
            cell.run()
        costs.append(counter.get_total_flops())
        sizes.append(sum(parameter.numel() for parameter in cell.cell.parameters()))
    # A node's share of the projection, and its own convolutions, which do more the later it is.
    share = 2 * 2 * 32 * 32 * 6**spatial_dims
    assert all(before - after > share for before, after in pairwise(costs))
    assert costs[-1] == 0
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)


def test_input_that_no_edge_uses_is_not_computed(lone):
    cell = lone(small()).open()
    alive = torch.tensor([[edge.input == "gate" for edge in cell.space.edges]])
    cell.architecture.prune(alive.unsqueeze(-1).expand_as(cell.architecture.alive))
    masked = cell.run()
    cell.cell.prune(cell.architecture.alive[0])
    calls = []
    cell.cell.skip_projection.register_forward_hook(lambda *_: calls.append(1))
    assert torch.allclose(cell.run(), masked, atol=1e-5)
    assert not calls

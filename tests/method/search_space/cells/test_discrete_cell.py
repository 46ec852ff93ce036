"""The discrete cell is the search cell with one-hot weights."""

from __future__ import annotations

import pytest
import torch

from iac_components.search_space import (
    CellWeights,
    DiscreteCell,
    Genotype,
    GenotypeError,
    KeptEdge,
    NodeGenotype,
    SearchSpace,
    random_genotype,
)


def one_hot(space, genotype, level=0):
    """The cell weights of a search that has decided for ``genotype``."""
    operations = torch.zeros(space.levels, len(space.edges), len(space.operations))
    edges = torch.zeros(space.levels, len(space.edges))
    for node in genotype.nodes_of(level):
        for kept in node.edges:
            row = space.edges.index((node.node, kept.input))
            operations[level, row, space.operations.index(kept.operation)] = 1
            edges[level, row] = 1
    return CellWeights(operations, edges)


def copy_weights(cell, discrete, genotype):
    """Give the discrete cell the weights of the search cell's same operations."""
    state = dict(cell.state_dict())
    names = [
        f"edges.{kept.input}-to-node_{node.node}.operations.{kept.operation}."
        for node in genotype.nodes
        for kept in node.edges
    ]
    wanted = {key: value for key, value in state.items() if not key.startswith("edges.")}
    for position, name in enumerate(names):
        wanted |= {
            f"operations.{position}.{key.removeprefix(name)}": value
            for key, value in state.items()
            if key.startswith(name)
        }
    missing, unexpected = discrete.load_state_dict(wanted, strict=False)
    assert unexpected == []
    shifts_and_scales = dict(discrete.named_parameters())
    assert all(shifts_and_scales[key].ndim == 1 for key in missing)  # affine norms at identity


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("divisor", [1, 4])
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_equals_the_search_cell_with_one_hot_weights(lone, spatial_dims, divisor, seed):
    space = SearchSpace(spatial_dims, num_nodes=3, channel_divisor=divisor)
    searched = lone(space).open()
    genotype = random_genotype(space, seed)
    discrete = DiscreteCell(8, 6, genotype=genotype, channel_divisor=divisor)
    copy_weights(searched.cell, discrete, genotype)
    expected = searched.run(one_hot(space, genotype))
    assert torch.allclose(discrete(searched.skip, searched.gate), expected, atol=1e-5)
    assert not torch.equal(expected, searched.skip)


@pytest.mark.parametrize("divisor", [1, 4])
def test_fresh_cell_returns_its_skip(divisor):
    genotype = random_genotype(SearchSpace(3), 0)
    cell = DiscreteCell(8, 5, genotype=genotype, channel_divisor=divisor)
    skip, gate = torch.randn(2, 8, 5, 4, 3), torch.randn(2, 5, 2, 2, 1)
    assert torch.equal(cell(skip, gate), skip)


def test_gradients_reach_every_weight():
    torch.manual_seed(0)
    cell = DiscreteCell(8, 5, genotype=random_genotype(SearchSpace(2), 1))
    torch.nn.init.normal_(cell.scale)
    skip = torch.randn(2, 8, 6, 6)
    (cell(skip, torch.randn(2, 5, 3, 3)) * torch.randn_like(skip)).sum().backward()
    for name, parameter in cell.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_it_is_smaller_than_the_search_cell(lone):
    space = SearchSpace(2)
    cell = DiscreteCell(8, 6, genotype=random_genotype(space, 0), channel_divisor=4)
    assert len(list(cell.parameters())) < len(list(lone(space).cell.parameters()))
    assert len(cell.operations) == 8


def test_levels_have_cells_of_their_own():
    genotype = random_genotype(SearchSpace(2, levels=2), 3)
    cells = [DiscreteCell(8, 6, genotype=genotype, level=level) for level in range(2)]
    for level, cell in enumerate(cells):
        names = tuple(tuple(e.input for e in node.edges) for node in genotype.nodes_of(level))
        assert cell.wiring == names
    with pytest.raises(GenotypeError, match="level 2"):
        DiscreteCell(8, 6, genotype=genotype, level=2)


def test_indivisible_channels_and_unknown_operations():
    with pytest.raises(ValueError, match="6 channels cannot be divided by K=4"):
        DiscreteCell(6, 4, genotype=random_genotype(SearchSpace(2), 0), channel_divisor=4)
    DiscreteCell(6, 4, genotype=random_genotype(SearchSpace(2), 0))
    unknown = random_genotype(SearchSpace(2, ("none", "conv_9x9")), 0)
    with pytest.raises(ValueError, match=r"'conv_9x9' is unknown\. Known"):
        DiscreteCell(8, 4, genotype=unknown)


SPARSE = (
    NodeGenotype(0, 1, (KeptEdge("gate", "sep_conv_3x3"),)),
    NodeGenotype(0, 3, (KeptEdge("gate", "skip_connect"), KeptEdge("node_1", "dil_conv_3x3"))),
)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_fewer_nodes_are_the_search_cell_with_the_others_at_zero(lone, spatial_dims):
    space = SearchSpace(spatial_dims)
    searched = lone(space).open()
    genotype = Genotype(space, SPARSE)
    cell = DiscreteCell(8, 6, genotype=genotype, channel_divisor=4)
    source = searched.cell.state_dict()
    projection = source["output_projection.0.weight"]
    source["output_projection.0.weight"] = torch.cat([projection[:, 8:16], projection[:, 24:]], 1)
    names = ("gate-to-node_1.operations.sep_conv_3x3", "node_1-to-node_3.operations.dil_conv_3x3")
    for key in cell.state_dict():
        if key.startswith("operations."):
            position, _, rest = key.removeprefix("operations.").partition(".")
            name = f"edges.{names[0 if position == '0' else 1]}.{rest}"
            source[key] = source.get(name, cell.state_dict()[key])
    cell.load_state_dict({key: source.get(key, v) for key, v in cell.state_dict().items()})
    expected = searched.run(one_hot(space, genotype))
    assert torch.allclose(cell(searched.skip, searched.gate), expected, atol=1e-5)
    assert not torch.equal(expected, searched.skip)


def test_what_no_node_uses_is_not_there():
    cell = DiscreteCell(8, 6, genotype=Genotype(SearchSpace(2), SPARSE))
    assert not any(name.startswith("skip_projection") for name in cell.state_dict())
    assert cell.output_projection[0].weight.shape == (8, 16, 1, 1)
    torch.nn.init.normal_(cell.scale)
    cell(torch.randn(2, 8, 6, 6), torch.randn(2, 6, 3, 3)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in cell.parameters())


def test_whole_cell_keeps_the_weights_it_had_before():
    """Trained weights of a cell with all its nodes hold projections that no edge may use."""
    genotype = Genotype(SearchSpace(2, num_nodes=1), (lone_node("skip"),))
    names = {name.partition(".")[0] for name in DiscreteCell(8, 6, genotype=genotype).state_dict()}
    assert {"skip_projection", "gate_projection"} <= names


def lone_node(source):
    return NodeGenotype(0, 0, (KeptEdge(source, "skip_connect"),))


def test_level_without_a_cell_is_named():
    with pytest.raises(GenotypeError, match="no cell at level 2"):
        DiscreteCell(8, 6, genotype=Genotype(SearchSpace(2), SPARSE, no_cell=(2,)), level=2)

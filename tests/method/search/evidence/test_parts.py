"""Parts that can be left out, and the weights of the others then."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iac_components.search.evidence.parts import PART_KINDS, Part, living_parts, weights_without
from iac_components.search_space import ArchitectureParameters, SearchSpace

SPACE = SearchSpace(2, operations=("none", "skip_connect", "sep_conv_3x3"), num_nodes=3, levels=2)


def weights(seed=0):
    torch.manual_seed(seed)
    architecture = ArchitectureParameters(SPACE)
    with torch.no_grad():
        architecture.alphas.normal_()
        architecture.betas.normal_()
        return architecture()


def sums(found):
    nodes = [found.edges[:, SPACE.edges_of(node)].sum(-1) for node in range(SPACE.num_nodes)]
    return torch.stack(nodes, dim=-1), found.operations.sum(-1)


def whole():
    return np.ones((2, len(SPACE.edges), 3), dtype=bool)


def test_everything_that_lives_is_listed_once():
    parts = living_parts(SPACE, whole(), cells=4)
    assert len(set(parts)) == len(parts) == 2 * 9 * 2 + 2 * 9 + 2 * 3 + 4


def test_the_dead_and_the_last_of_an_edge_are_not_listed():
    alive = whole()
    alive[0, 0] = [False, True, False]
    alive[0, 1] = False
    operations = living_parts(SPACE, alive, kinds=["operation"])
    assert {part.index for part in operations if part.level == 0} == set(range(2, 9))
    edges = living_parts(SPACE, alive, kinds=["edge"])
    assert {part.index for part in edges if part.level == 0} == {0, *range(2, 9)}


def test_a_kind_that_nobody_knows_is_named():
    with pytest.raises(ValueError, match=r"'path'.*Known: operation, edge, node, cell, skip"):
        living_parts(SPACE, whole(), kinds=["path"])


@given(
    st.sampled_from(living_parts(SPACE, whole(), kinds=["operation", "edge"])), st.integers(0, 9)
)
def test_the_others_share_what_the_part_had(part, seed):
    before = weights(seed)
    kept = [value.clone() for value in before]
    after = weights_without(part, before, space=SPACE)
    assert all(torch.equal(a, b) for a, b in zip(kept, before, strict=True))
    for total in sums(after):
        torch.testing.assert_close(total, torch.ones_like(total))
    changed = after.operations if part.kind == "operation" else after.edges
    place = (part.level, part.index, part.column)[: changed.ndim]
    assert changed[place] == 0
    assert torch.equal(after[part.kind == "operation"], before[part.kind == "operation"])


def test_it_is_the_softmax_without_the_part():
    torch.manual_seed(0)
    architecture = ArchitectureParameters(SPACE)
    part = Part("operation", 1, 4, 2)
    with torch.no_grad():
        found = weights_without(part, architecture(), space=SPACE)
        alive = architecture.alive.clone()
        alive[1, 4, 2] = False
        architecture.prune(alive)
        expected = architecture()
    torch.testing.assert_close(found.operations, expected.operations)


def test_a_node_gets_nothing_and_gives_nothing():
    after = weights_without(Part("node", 0, 1), weights(), space=SPACE)
    nodes, _ = sums(after)
    torch.testing.assert_close(nodes, torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]))
    outgoing = [row for row, edge in enumerate(SPACE.edges) if edge.input == "node_1"]
    assert (after.edges[0, outgoing] == 0).all()
    assert (after.edges[1, outgoing] > 0).all()


def test_the_last_of_a_group_leaves_nothing_and_no_nan():
    lone = weights()
    lone.operations[0, 0] = torch.tensor([0.0, 1.0, 0.0])
    after = weights_without(Part("operation", 0, 0, 1), lone, space=SPACE)
    assert torch.equal(after.operations[0, 0], torch.zeros(3))


def test_a_cell_keeps_its_weights():
    before = weights()
    after = weights_without(Part("cell", 1), before, space=SPACE)
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))
    assert PART_KINDS[3] == "cell"


def test_only_present_nodes_and_levels_with_a_treatment_to_lose_are_listed():
    alive = whole()
    alive[0, SPACE.edges_of(1)] = False
    nodes = living_parts(SPACE, alive, kinds=["node"])
    assert [(part.level, part.index) for part in nodes] == [(0, 0), (0, 2), (1, 0), (1, 1), (1, 2)]
    parts = living_parts(
        SPACE, alive, kinds=["cell", "skip"], cells=5, skips=4, treatments=[0, 1, 2, 0, 0]
    )
    assert [part.level for part in parts if part.kind == "cell"] == [0, 3, 4]
    assert [part.level for part in parts if part.kind == "skip"] == [0, 1, 3]


@given(st.integers(0, 10**6))
def test_whatever_goes_is_as_if_it_had_been_pruned(seed):
    """Nodes that lose their last input included, which take their own outputs along."""
    generator = np.random.default_rng(seed)
    torch.manual_seed(seed)
    architecture = ArchitectureParameters(SPACE)
    with torch.no_grad():
        architecture.alphas.normal_()
        architecture.betas.normal_()
    edges = generator.random((2, len(SPACE.edges), 1)) < 0.6
    architecture.prune(torch.from_numpy(np.broadcast_to(edges, whole().shape).copy()))
    parts = living_parts(SPACE, architecture.alive.numpy(), kinds=["edge", "node"])
    for part in parts:
        pruned = copy.deepcopy(architecture)
        alive = pruned.alive.clone()
        row = part.index if part.kind == "edge" else SPACE.edges_of(part.index)
        alive[part.level, row] = False
        with torch.no_grad():
            found = weights_without(part, architecture(), space=SPACE)
            pruned.prune(alive)
            expected = pruned()
        torch.testing.assert_close(found.edges, expected.edges)

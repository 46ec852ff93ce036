"""Discretization: two best inputs, best operation, none excluded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.search_space import SearchSpace, discretize, edge_scores, random_genotype
from iac_components.search_space.space import edges_of_present_nodes, present_nodes

SPACES = st.builds(
    SearchSpace,
    spatial_dims=st.just(2),
    operations=st.sampled_from([("none", "a", "b"), ("a", "none"), ("a", "b", "c", "d")]),
    num_nodes=st.integers(1, 4),
    levels=st.integers(1, 3),
)


def drawn(space, seed):
    """Distributions as a search leaves them, softmaxes over operations and over inputs."""
    generator = np.random.default_rng(seed)
    operations = generator.dirichlet(
        np.ones(len(space.operations)), size=(space.levels, len(space.edges))
    )
    return operations, generator.random((space.levels, len(space.edges)))


@given(SPACES, st.integers(0, 10**6))
def test_keeps_the_two_best_of_a_brute_force_ranking(space, seed):
    probabilities, weights = drawn(space, seed)
    genotype = discretize(space, probabilities, edge_weights=weights)
    for kept in genotype.nodes:
        ranked = sorted(
            (
                (
                    probabilities[kept.level, row, column] * weights[kept.level, row],
                    edge.input,
                    operation,
                )
                for row, edge in enumerate(space.edges)
                if edge.node == kept.node
                for column, operation in enumerate(space.operations)
                if operation != "none"
            ),
            reverse=True,
        )
        best = {}
        for score, name, operation in ranked:
            best.setdefault(name, (score, operation))
        expected = dict(list(best.items())[:2])
        assert {e.input: e.operation for e in kept.edges} == {
            name: operation for name, (_, operation) in expected.items()
        }
        order = space.inputs_of(kept.node)
        assert [e.input for e in kept.edges] == sorted(expected, key=order.index)


def test_none_is_never_chosen_and_does_not_score():
    space = SearchSpace(2, ("none", "a", "b"), 2)
    probabilities = np.full((1, 5, 3), 0.05)
    probabilities[..., 0] = 0.9
    probabilities[0, 3] = (0.1, 0.2, 0.7)
    probabilities[0, 4] = (0.2, 0.5, 0.3)
    scores = edge_scores(space, probabilities, np.ones((1, 5)))
    assert scores.tolist() == [[0.05, 0.05, 0.05, 0.7, 0.5]]
    last = discretize(space, probabilities, edge_weights=np.ones((1, 5))).nodes[1]
    assert [(e.input, e.operation) for e in last.edges] == [("gate", "b"), ("node_0", "a")]


def test_edge_weights_count():
    space = SearchSpace(2, ("a", "b"), 2)
    probabilities = np.full((1, 5, 2), 0.5)
    weights = np.array([[0.5, 0.5, 0.1, 0.4, 0.5]])
    last = discretize(space, probabilities, edge_weights=weights).nodes[1]
    assert [e.input for e in last.edges] == ["gate", "node_0"]


def test_ties_go_to_the_earlier():
    space = SearchSpace(2, ("none", "a", "b"), 3)
    shape = (1, len(space.edges))
    genotype = discretize(space, np.full((*shape, 3), 1 / 3), edge_weights=np.full(shape, 0.5))
    for node in genotype.nodes:
        assert [(e.input, e.operation) for e in node.edges] == [("skip", "a"), ("gate", "a")]


def test_pruned_search_is_read_off():
    """One operation an edge and two edges a node: nothing else can come out."""
    space = SearchSpace(2, ("none", "a", "b"), 2)
    probabilities, weights = np.zeros((1, 5, 3)), np.zeros((1, 5))
    for row, column in ((0, 1), (1, 2), (2, 2), (4, 1)):
        probabilities[0, row, column], weights[0, row] = 1.0, 1e-9
    genotype = discretize(space, probabilities, edge_weights=weights)
    edges = [[(e.input, e.operation) for e in node.edges] for node in genotype.nodes]
    assert edges == [[("skip", "a"), ("gate", "b")], [("skip", "b"), ("node_0", "a")]]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["probabilities", "weights"])
def test_not_finite(space, bad, where):
    probabilities, weights = drawn(space, 0)
    (probabilities if where == "probabilities" else weights)[0, 0] = bad
    with pytest.raises(ValueError, match="must be finite"):
        discretize(space, probabilities, edge_weights=weights)


def test_wrong_shape(space):
    probabilities, weights = drawn(space, 0)
    for p, w in ((probabilities[:, :4], weights), (probabilities, weights[:, :4])):
        with pytest.raises(ValueError, match=r"expected probabilities \(1, 5, 4\)"):
            discretize(space, p, edge_weights=w)


def test_arguments_are_left_alone(space):
    probabilities, weights = drawn(space, 0)
    copies = probabilities.copy(), weights.copy()
    discretize(space, probabilities, edge_weights=weights)
    assert np.array_equal(probabilities, copies[0])
    assert np.array_equal(weights, copies[1])


@given(SPACES, st.integers(0, 2**32))
def test_random_genotype_is_valid_and_repeatable(space, seed):
    genotype = random_genotype(space, seed)
    assert genotype == random_genotype(space, seed)
    assert all(len(node.edges) == 2 for node in genotype.nodes)
    assert genotype.provenance == {"kind": "random", "seed": seed}


def test_seeds_differ_and_cover_the_space():
    space = SearchSpace(2)
    cells = [random_genotype(space, seed) for seed in range(60)]
    assert len({cell.digest for cell in cells}) == 60
    used = {edge.operation for cell in cells for node in cell.nodes for edge in node.edges}
    assert used == set(space.operations) - {"none"}


@given(SPACES, st.integers(0, 10**6))
def test_what_is_left_is_a_genotype_of_present_nodes(space, seed):
    probabilities, weights = drawn(space, seed)
    generator = np.random.default_rng(seed)
    edges = generator.random(weights.shape) < generator.random()
    living = edges_of_present_nodes(space, edges)
    genotype = discretize(space, probabilities * edges[..., None], edge_weights=weights * edges)
    present = present_nodes(space, living)
    assert [(n.level, n.node) for n in genotype.nodes] == [tuple(x) for x in np.argwhere(present)]
    for node in genotype.nodes:
        rows = [space.edges.index((node.node, kept.input)) for kept in node.edges]
        assert living[node.level, rows].all()
        assert len(rows) == min(2, living[node.level, space.edges_of(node.node)].sum())


@pytest.mark.parametrize(
    ("treatments", "no_cell", "off", "nodes"),
    [
        ([0, 0, 0], (), (), 2),
        ([0, 1, 2], (1,), (2,), 2),
        ([1, 1, 1], (), (), 0),
        ([2, 1, 1], (), (0,), 0),
        (np.array([2, 0, 1]), (2,), (0,), 2),
    ],
)
def test_treatments_of_a_shared_cell(treatments, no_cell, off, nodes):
    space = SearchSpace(2, ("a", "b"), num_nodes=2)
    probabilities, weights = drawn(space, 0)
    found = discretize(space, probabilities, edge_weights=weights, treatments=treatments)
    assert (found.no_cell, found.off, len(found.nodes)) == (no_cell, off, nodes)


def test_treatments_of_separate_cells():
    space = SearchSpace(2, ("a", "b"), num_nodes=2, levels=3)
    probabilities, weights = drawn(space, 0)
    found = discretize(space, probabilities, edge_weights=weights, treatments=[2, 0, 1])
    assert (found.no_cell, found.off) == ((), (0,))
    assert [node.level for node in found.nodes] == [1, 1]
    assert [found.treatment(level) for level in range(3)] == ["off", "cell", "none"]


@pytest.mark.parametrize(
    ("treatments", "message"),
    [([0, 3, 0], "must be of 0 to 2"), ([0, -1, 0], "must be of 0"), ([0], "expected 3 treatm")],
)
def test_wrong_treatments_are_named(treatments, message):
    space = SearchSpace(2, ("a", "b"), num_nodes=2, levels=3)
    probabilities, weights = drawn(space, 0)
    with pytest.raises(ValueError, match=message):
        discretize(space, probabilities, edge_weights=weights, treatments=treatments)

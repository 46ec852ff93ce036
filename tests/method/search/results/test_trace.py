"""The trace: read by the plots, agreed with by the genotype, restored to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iac_components.common.trace_format import TRACE_COLUMNS
from iac_components.search import SearchTrace
from iac_components.search.stability_pruning.pruning import prune_edges, prune_operations
from iac_components.search_space import SearchSpace, discretize
from iac_components.visualization import chosen_operations

SPACE = SearchSpace(2, ("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3"), 3, levels=2)


def filled(seed=0, epochs=5, space=SPACE, prune_at=(2, 3, 4)):
    """A trace of random distributions with a pruning at some epochs."""
    generator = np.random.default_rng(seed)
    trace = SearchTrace(space)
    shape = (space.levels, len(space.edges), len(space.operations))
    alive = np.ones(shape, dtype=bool)
    everywhere = np.ones(shape[:2], dtype=bool)
    for epoch in range(epochs):
        probabilities = generator.random(shape) * alive
        probabilities /= probabilities.sum(axis=-1, keepdims=True) + 1e-300
        weights = generator.random(shape[:2]) * alive.any(axis=-1)
        if epoch in prune_at:
            alive = prune_operations(
                space, probabilities, alive=alive, stable=everywhere, schedule=(3, 2, 1)
            )
            alive = prune_edges(
                space,
                weights,
                alive=alive,
                stable=np.ones((space.levels, space.num_nodes), dtype=bool),
                schedule=(3, 2),
            )
        trace.append(
            probabilities=probabilities,
            edge_weights=weights,
            divergence=generator.random(shape[:2]) if epoch > 1 else np.full(shape[:2], np.nan),
            alive=alive,
            seconds=1.5 + epoch,
        )
    return trace


def test_file_is_read_by_the_plots(tmp_path):
    trace = filled()
    trace.write(tmp_path / "search_trace.csv")
    lines = (tmp_path / "search_trace.csv").read_text().splitlines()
    assert tuple(lines[0].split(",")) == TRACE_COLUMNS
    assert len(lines) == 1 + 5 * 2 * len(SPACE.edges) * 4
    read = SearchTrace.read(tmp_path / "search_trace.csv")
    state = trace.state_dict()
    assert read.operations == SPACE.operations
    assert [(e.level, e.node, e.input) for e in read.edges] == [
        (level, *edge) for level in range(2) for edge in SPACE.edges
    ]
    for name in ("probability", "active", "divergence", "edge_weight"):
        expected = state[name].numpy()
        found = getattr(read, name).reshape(expected.shape)
        assert found == pytest.approx(expected, abs=1e-7, nan_ok=True), name
    assert read.seconds.tolist() == [1.5, 2.5, 3.5, 4.5, 5.5]


def test_record_is_of_what_is_left():
    trace = filled()
    probabilities, edge_weights = trace.last()
    alive = trace.state_dict()["active"][-1].numpy().astype(bool)
    assert not alive.all()
    assert (probabilities[~alive] == 0).all()
    assert (edge_weights[~alive.any(axis=-1)] == 0).all()


@given(st.integers(0, 10**6), st.integers(1, 5))
def test_plots_choose_the_cell_that_discretization_chooses(tmp_path_factory, seed, epochs):
    path = tmp_path_factory.getbasetemp() / "consistent.csv"
    trace = filled(seed, epochs)
    trace.write(path)
    probabilities, edge_weights = trace.last()
    genotype = discretize(SPACE, probabilities, edge_weights=edge_weights)
    expected = [
        (node.level, node.node, edge.input, edge.operation)
        for node in genotype.nodes
        for edge in node.edges
    ]
    chosen = chosen_operations(SearchTrace.read(path))
    assert [(c.level, c.node, c.input, c.operation) for c in chosen] == expected


@pytest.mark.parametrize("epochs", [0, 1, 5])
def test_state_round_trip(tmp_path, epochs):
    trace, other = filled(epochs=epochs), filled(seed=1)
    torch.save(trace.state_dict(), tmp_path / "state.pt")
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert len(other) == len(trace) == epochs
    first, second = trace.state_dict(), other.state_dict()
    assert set(first) == set(second)
    for name, values in first.items():
        assert values.numpy().tobytes() == second[name].numpy().tobytes(), name
    trace.write(tmp_path / "one.csv")
    other.write(tmp_path / "other.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()


def test_restored_trace_grows_alike():
    whole, restored = filled(), SearchTrace(SPACE)
    restored.load_state_dict(whole.state_dict())
    assert restored.total_seconds == whole.total_seconds == 17.5
    probabilities, edge_weights = whole.last()
    alive = probabilities > 0
    for name in ("operation_history", "edge_history"):
        arguments = (probabilities if name.startswith("operation") else edge_weights, alive)
        one, other = (getattr(trace, name)(*arguments) for trace in (whole, restored))
        assert np.array_equal(one.probabilities, other.probabilities)
        assert np.array_equal(one.since, other.since)


def test_empty_trace_has_no_last():
    with pytest.raises(ValueError, match="trace is empty"):
        SearchTrace(SPACE).last()
    assert SearchTrace(SPACE).total_seconds == 0


def test_histories_group_operations_by_edge_and_edges_by_node():
    trace = filled(epochs=2, prune_at=())
    shape = (2, len(SPACE.edges), 4)
    probabilities, weights = np.random.default_rng(0).random(shape), np.arange(18.0).reshape(2, 9)
    alive = np.ones(shape, dtype=bool)
    operations = trace.operation_history(probabilities, alive)
    assert operations.probabilities.shape == (3, 18, 4)
    assert np.array_equal(operations.probabilities[-1], probabilities.reshape(18, 4))
    edges = trace.edge_history(weights, alive)
    assert edges.probabilities.shape == (3, 6, 4)
    assert edges.probabilities[-1].tolist() == [
        [0, 1, 0, 0],
        [2, 3, 4, 0],
        [5, 6, 7, 8],
        [9, 10, 0, 0],
        [11, 12, 13, 0],
        [14, 15, 16, 17],
    ]
    assert edges.alive.sum(axis=-1).tolist() == [2, 3, 4] * 2


@pytest.mark.parametrize("pruned_at", range(4))
def test_since_is_the_first_epoch_after_a_pruning(pruned_at):
    space = SearchSpace(2, ("a", "b"), 1)
    trace, alive = SearchTrace(space), np.ones((1, 2, 2), dtype=bool)
    for epoch in range(4):
        if epoch == pruned_at:
            alive = alive.copy()
            alive[0, 1, 0] = False
        trace.append(
            probabilities=np.full((1, 2, 2), 0.5),
            edge_weights=np.full((1, 2), 0.5),
            divergence=np.full((1, 2), np.nan),
            alive=alive,
            seconds=0.0,
        )
    history = trace.operation_history(np.full((1, 2, 2), 0.5), alive)
    assert history.since.tolist() == [0, pruned_at + 1]
    assert trace.edge_history(np.full((1, 2), 0.5), alive).since.tolist() == [0]


def test_presence_is_a_distribution_of_two():
    """Each edge is there or not; one that was removed competes no more, from that epoch on."""
    trace = SearchTrace(SPACE)
    shape = (SPACE.levels, len(SPACE.edges), len(SPACE.operations))
    alive = np.ones(shape, dtype=bool)
    weights = np.random.default_rng(0).random(shape[:2])
    after = alive.copy()
    after[1, 2] = False
    trace.append(
        probabilities=np.full(shape, 0.25),
        edge_weights=weights,
        divergence=np.zeros(shape[:2]),
        alive=after,
        seconds=1.0,
    )
    history = trace.presence_history(weights / 2, after)
    assert history.probabilities.shape == (2, weights.size, 2)
    np.testing.assert_allclose(history.probabilities.sum(axis=-1), 1)
    np.testing.assert_allclose(history.probabilities[1, :, 0], weights.ravel() / 2)
    removed = len(SPACE.edges) + 2
    assert np.flatnonzero(~history.alive.all(axis=-1)).tolist() == [removed]
    assert np.flatnonzero(history.since).tolist() == [removed]

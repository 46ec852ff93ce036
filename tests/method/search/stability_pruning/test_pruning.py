"""Pruning never takes the last operation, the second input, or what is not stable."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.search.stability_pruning.pruning import (
    check_schedule,
    is_decided,
    keep_inputs,
    next_count,
    prune_edges,
    prune_operations,
)
from iac_components.search_space import SearchSpace

SPACES = st.builds(
    SearchSpace,
    spatial_dims=st.just(2),
    operations=st.sampled_from([("none", "a", "b", "c"), ("a", "b", "none"), ("a", "b")]),
    num_nodes=st.integers(1, 4),
    levels=st.integers(1, 2),
)
SCHEDULES = st.sets(st.integers(1, 6)).map(lambda counts: sorted(counts, reverse=True))


def drawn(space, seed):
    """Distributions, and a mask in which each node has two inputs that pass something."""
    generator = np.random.default_rng(seed)
    shape = (space.levels, len(space.edges), len(space.operations))
    alive = generator.random(shape) < generator.random()
    first = 0 if space.none_index != 0 else 1
    for node in range(space.num_nodes):
        start = space.edges_of(node).start
        alive[:, start : start + 2, first] = True
    if space.none_index is not None:  # none alone is no edge
        others = np.delete(alive, space.none_index, axis=-1).any(axis=-1)
        alive[~others] = False
    probabilities = np.where(alive, generator.random(shape), 0)
    return probabilities, alive, generator


def passes_something(space, alive):
    """(L, E) whether an edge has a living operation other than none."""
    others = [i for i in range(len(space.operations)) if i != space.none_index]
    return alive[..., others].any(axis=-1)


@given(SPACES, SCHEDULES, st.integers(0, 10**6))
def test_operations(space, schedule, seed):
    probabilities, alive, generator = drawn(space, seed)
    stable = generator.random(alive.shape[:2]) < 0.5
    before = alive.copy()
    after = prune_operations(space, probabilities, alive=alive, stable=stable, schedule=schedule)
    assert np.array_equal(alive, before)
    assert (after <= alive).all()
    assert np.array_equal(after[~stable], alive[~stable])
    assert np.array_equal(passes_something(space, after), passes_something(space, alive))
    for level, row in np.argwhere(stable & alive.any(axis=-1)):
        living, kept = alive[level, row], after[level, row]
        assert kept.sum() == next_count(schedule, int(living.sum()))
        lost = living & ~kept
        lost[[] if space.none_index is None else space.none_index] = False
        if lost.any() and not kept[space.none_index or 0]:
            assert probabilities[level, row][kept].min() >= probabilities[level, row][lost].max()


@given(SPACES, SCHEDULES, st.integers(0, 10**6))
def test_edges(space, schedule, seed):
    _, alive, generator = drawn(space, seed)
    scores = generator.random(alive.shape[:2])
    stable = generator.random((space.levels, space.num_nodes)) < 0.5
    before = alive.copy()
    after = prune_edges(space, scores, alive=alive, stable=stable, schedule=schedule)
    assert np.array_equal(alive, before)
    here, there = alive.any(axis=-1), after.any(axis=-1)
    assert np.array_equal(after[there], alive[there])  # an edge goes whole or not at all
    for level in range(space.levels):
        for node in range(space.num_nodes):
            rows = space.edges_of(node)
            living, kept = here[level, rows], there[level, rows]
            assert kept.sum() >= 2
            if not stable[level, node]:
                assert np.array_equal(living, kept)
                continue
            assert kept.sum() == max(2, next_count(schedule, int(living.sum())))
            lost = living & ~kept
            if lost.any():
                assert scores[level, rows][kept].min() >= scores[level, rows][lost].max()


@given(SPACES, st.integers(0, 10**6))
def test_pruning_on_and_on_ends_decided(space, seed):
    probabilities, _, generator = drawn(space, seed)
    alive = np.ones(probabilities.shape, dtype=bool)
    probabilities = generator.random(probabilities.shape)
    edges, nodes = alive.any(axis=-1), np.ones((space.levels, space.num_nodes), dtype=bool)
    for _ in range(6):
        alive = prune_operations(
            space, probabilities, alive=alive, stable=edges, schedule=(3, 2, 1)
        )
        alive = prune_edges(
            space, probabilities.max(axis=-1), alive=alive, stable=nodes, schedule=(3, 2)
        )
    assert is_decided(space, alive)
    assert passes_something(space, alive).sum() == 2 * space.num_nodes * space.levels


def test_one_step_at_a_time():
    space = SearchSpace(2, ("none", *"abcdefg"), 1)
    probabilities = np.tile(np.arange(8.0), (1, 2, 1))
    alive = np.ones((1, 2, 8), dtype=bool)
    stable = np.array([[True, False]])
    kept = prune_operations(space, probabilities, alive=alive, stable=stable, schedule=(5, 3, 2, 1))
    assert kept[0, 0].nonzero()[0].tolist() == [3, 4, 5, 6, 7]
    assert kept[0, 1].all()
    kept = prune_operations(space, probabilities, alive=kept, stable=stable, schedule=(5, 3, 2, 1))
    assert kept[0, 0].nonzero()[0].tolist() == [5, 6, 7]


def test_none_makes_way_for_the_last_operation():
    space = SearchSpace(2, ("none", "a", "b"), 1)
    probabilities = np.array([[[0.9, 0.02, 0.08], [0.3, 0.6, 0.1]]])
    alive, stable = np.ones((1, 2, 3), dtype=bool), np.ones((1, 2), dtype=bool)
    kept = prune_operations(space, probabilities, alive=alive, stable=stable, schedule=(1,))
    assert kept.tolist() == [[[False, False, True], [False, True, False]]]


@given(SPACES, st.integers(0, 10**6))
def test_empty_schedules_prune_nothing(space, seed):
    probabilities, alive, _ = drawn(space, seed)
    stable = np.ones(alive.shape[:2], dtype=bool)
    nodes = np.ones((space.levels, space.num_nodes), dtype=bool)
    assert np.array_equal(
        prune_operations(space, probabilities, alive=alive, stable=stable, schedule=()), alive
    )
    scores = probabilities.max(axis=-1)
    assert np.array_equal(prune_edges(space, scores, alive=alive, stable=nodes, schedule=()), alive)


@pytest.mark.parametrize(
    ("operations", "inputs", "decided"), [(1, 2, True), (2, 2, False), (1, 3, False)]
)
def test_decided(operations, inputs, decided):
    space = SearchSpace(2, ("none", "a", "b"), 2)
    alive = np.zeros((1, 5, 3), dtype=bool)
    alive[0, :2, 1] = True
    alive[0, 2 : 2 + inputs, 1 : 1 + operations] = True
    assert is_decided(space, alive) is decided


@pytest.mark.parametrize(
    ("living", "expected"), [(8, 5), (6, 5), (5, 3), (4, 3), (3, 1), (2, 1), (1, 1)]
)
def test_next_count(living, expected):
    assert next_count((5, 3, 1), living) == expected


@pytest.mark.parametrize("schedule", [(), (1,), (5, 3, 2, 1), [8, 2]])
def test_good_schedule(schedule):
    assert check_schedule("keep_schedule", schedule, least=1) == tuple(schedule)


@pytest.mark.parametrize("schedule", [(1, 2), (3, 3), (2, 1, 0), (-1,), (5, 2, 3)])
def test_bad_schedule_is_named(schedule):
    with pytest.raises(ValueError, match="keep_schedule must fall strictly to 1 or more, got"):
        check_schedule("keep_schedule", schedule, least=1)


def test_node_never_falls_below_two_inputs():
    with pytest.raises(ValueError, match="edge_schedule must fall strictly to 2 or more"):
        check_schedule("edge_schedule", (3, 1), least=2)


@given(SPACES, SCHEDULES, st.integers(0, 10**6))
def test_nodes_without_an_input_are_decided_and_stay_away(space, schedule, seed):
    probabilities, alive, generator = drawn(space, seed)
    for level in range(space.levels):
        alive[level, space.edges_of(int(generator.integers(space.num_nodes)))] = False
    scores = generator.random(alive.shape[:2])
    every = np.ones((space.levels, space.num_nodes), dtype=bool)
    after = prune_edges(space, scores, alive=alive, stable=every, schedule=[2])
    after = prune_operations(
        space, probabilities, alive=after, stable=alive.any(axis=-1), schedule=[1]
    )
    assert not (after & ~alive).any()
    assert is_decided(space, after)
    assert is_decided(space, np.zeros_like(alive))
    wide = np.zeros((every.size, len(space.inputs_of(space.num_nodes - 1))), dtype=bool)
    gone = keep_inputs(space, alive=after, stable=every.ravel(), keep=wide)
    assert not gone.any()

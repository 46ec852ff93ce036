"""The early stop as a pure rule, and on the trace of a search."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.search import SearchTrace
from iac_components.search_space import SearchSpace, discretize
from iac_components.visualization import read_trace
from studies.search_cost.searches.early_stop import genotypes_by_epoch, stop_early, stopping_epoch

SPACE = SearchSpace(2, ("none", "skip_connect", "sep_conv_3x3"), num_nodes=2, levels=2)


@pytest.mark.parametrize(
    ("genotypes", "warmup", "patience", "epoch"),
    [
        ("aaaa", 0, 3, 4),
        ("aaa", 0, 3, None),
        ("abbbb", 0, 3, 5),
        ("aabbaab", 0, 2, None),
        ("aabbbaab", 0, 2, 5),
        # The warm-up's epochs are equal because nothing could change: none of them counts.
        ("aaaaab", 3, 2, None),
        ("aaaaaa", 3, 2, 6),
        ("aaabbb", 3, 2, 6),
        ("", 0, 1, None),
        ("aaa", 9, 1, None),
    ],
)
def test_the_first_epoch_that_is_like_those_before_it(genotypes, warmup, patience, epoch):
    assert stopping_epoch(genotypes, warmup_epochs=warmup, patience=patience) == epoch


@given(st.lists(st.integers(0, 1), max_size=30), st.integers(0, 5), st.integers(1, 4))
def test_it_is_the_first_run_of_equal_epochs(genotypes, warmup, patience):
    windows = [
        end
        for end in range(warmup + patience + 1, len(genotypes) + 1)
        if len(set(genotypes[end - patience - 1 : end])) == 1
    ]
    found = stopping_epoch(genotypes, warmup_epochs=warmup, patience=patience)
    assert found == (windows[0] if windows else None)


def test_no_patience_is_refused():
    with pytest.raises(ValueError, match="patience must be at least 1, got 0"):
        stopping_epoch("aa", warmup_epochs=0, patience=0)


@pytest.fixture
def search(tmp_path):
    """Four epochs of random distributions, the last three alike: the trace in memory and read."""
    random = np.random.default_rng(0)
    trace = SearchTrace(SPACE)
    shape = (SPACE.levels, len(SPACE.edges), len(SPACE.operations))
    drawn = [(random.random(shape) / 3, random.random(shape[:2])) for _ in range(2)]
    for probabilities, edge_weights in (drawn[0], drawn[1], drawn[1], drawn[1]):
        trace.append(
            probabilities=probabilities,
            edge_weights=edge_weights,
            divergence=np.full(shape[:2], np.nan),
            alive=np.ones(shape, dtype=bool),
            seconds=1.0,
        )
    trace.write(tmp_path / "search_trace.csv")
    return trace, read_trace(tmp_path / "search_trace.csv"), drawn


def test_a_trace_gives_the_genotype_of_every_epoch(search):
    _, read, drawn = search
    found = genotypes_by_epoch(read, SPACE)
    expected = [discretize(SPACE, p, edge_weights=w) for p, w in (drawn[0], *[drawn[1]] * 3)]
    assert [genotype.digest for genotype in found] == [genotype.digest for genotype in expected]
    assert found[0].digest != found[1].digest


def test_it_stops_with_the_genotype_of_its_epoch(search):
    _, read, drawn = search
    stop = stop_early(read, SPACE, warmup_epochs=0, patience=1)
    assert (stop.epoch, stop.stopped) == (3, True)
    assert stop.genotype == discretize(SPACE, drawn[1][0], edge_weights=drawn[1][1])


def test_a_search_that_never_settles_is_run_to_its_end(search):
    _, read, _ = search
    stop = stop_early(read, SPACE, warmup_epochs=0, patience=3)
    assert (stop.epoch, stop.stopped) == (4, False)

"""The Jensen-Shannon divergence, against its definition and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from iac_components.search import jensen_shannon_divergence
from iac_components.search.stability_pruning.stability import divergence_from_uniform, restrict


def distribution(seed, size, zeros=0):
    generator = np.random.default_rng(seed)
    p = generator.dirichlet(np.full(size, 0.5))
    p[generator.permutation(size)[:zeros]] = 0
    return p / p.sum()


DRAWS = given(st.integers(0, 10**6), st.integers(2, 9), st.integers(0, 1), st.integers(0, 1))


@DRAWS
def test_value_range_and_symmetry(seed, size, zeros_p, zeros_q):
    p, q = distribution(seed, size, zeros_p), distribution(seed + 1, size, zeros_q)
    value = jensen_shannon_divergence(p, q)
    assert 0 <= value <= 1
    assert value == pytest.approx(jensenshannon(p, q, base=2) ** 2, abs=1e-12)
    assert value == pytest.approx(float(jensen_shannon_divergence(q, p)), abs=1e-12)


@DRAWS
def test_zero_for_equal_alone(seed, size, zeros_p, zeros_q):
    p, q = distribution(seed, size, zeros_p), distribution(seed + 1, size, zeros_q)
    assert jensen_shannon_divergence(p, p) == 0
    if np.abs(p - q).max() > 1e-3:
        assert jensen_shannon_divergence(p, q) > 0


def test_disjoint_is_one():
    assert jensen_shannon_divergence(np.array([1.0, 0, 0]), np.array([0, 0.5, 0.5])) == 1


def test_along_the_last_axis_with_broadcasting():
    p = np.stack([distribution(seed, 4) for seed in range(6)]).reshape(2, 3, 4)
    q = distribution(9, 4)
    values = jensen_shannon_divergence(p, q)
    assert values.shape == (2, 3)
    assert values[1, 2] == jensen_shannon_divergence(p[1, 2], q)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -1e-9])
def test_what_is_no_distribution_raises(bad):
    good, wrong = np.array([0.5, 0.5]), np.array([bad, 0.5])
    for pair in ((good, wrong), (wrong, good)):
        with pytest.raises(ValueError, match="finite and non-negative"):
            jensen_shannon_divergence(*pair)


def test_uniform_over_what_lives():
    alive = np.array([True, True, False])
    assert divergence_from_uniform(np.array([0.5, 0.5, 0]), alive) == 0
    assert divergence_from_uniform(np.array([1.0, 0, 0]), alive) > 0.1
    assert divergence_from_uniform(np.zeros(3), np.zeros(3, dtype=bool)) == 0


@given(st.integers(0, 10**6), st.integers(2, 9), st.integers(0, 1))
def test_restrict_is_the_softmax_over_survivors(seed, size, dead):
    logits = np.random.default_rng(seed).normal(size=size)
    alive = np.arange(size) >= dead
    full = np.exp(logits) / np.exp(logits).sum()
    survivors = np.where(alive, np.exp(logits), 0)
    assert restrict(full, alive) == pytest.approx(survivors / survivors.sum())


def test_restrict_to_nothing_is_zero():
    assert restrict(np.array([0.4, 0.6]), np.zeros(2, dtype=bool)).tolist() == [0, 0]

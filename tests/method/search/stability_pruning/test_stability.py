"""The criteria: what must hold before a distribution counts as settled."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.search import (
    AverageStability,
    History,
    JensenShannonStability,
    jensen_shannon_divergence,
)

CRITERIA = pytest.mark.parametrize("kind", [JensenShannonStability, AverageStability])
CALM = JensenShannonStability(
    threshold=0.01, relative=False, window=1, patience=1, warmup_epochs=0, min_signal=0.01
)
PEAKED = np.array([0.7, 0.2, 0.1])
OTHER = np.array([0.1, 0.2, 0.7])
UNIFORM = np.full(3, 1 / 3)


def history(*epochs, alive=None, since=0):
    """One group, one distribution an epoch."""
    probabilities = np.stack(epochs)[:, None]
    alive = np.ones((1, probabilities.shape[2]), dtype=bool) if alive is None else alive
    return History(probabilities, alive, np.array([since]))


def stable(criterion, *epochs, **options):
    return bool(criterion.decide(history(*epochs, **options)).stable[0])


def drawn(seed, epochs=12, groups=6, size=4):
    """Random walks of softmaxes that slow down."""
    generator = np.random.default_rng(seed)
    steps = generator.normal(size=(epochs, groups, size)) / np.arange(1, epochs + 1)[:, None, None]
    weights = np.exp(steps.cumsum(axis=0))
    alive = np.ones((groups, size), dtype=bool)
    probabilities = weights / weights.sum(axis=-1, keepdims=True)
    return History(probabilities, alive, np.zeros(groups, dtype=np.int64))


@pytest.mark.parametrize("warmup", [0, 2, 5])
@pytest.mark.parametrize("patience", [1, 3])
@pytest.mark.parametrize("window", [1, 4])
@CRITERIA
def test_first_stable_epoch(kind, window, patience, warmup):
    """A distribution that never moves is stable as soon as the guards allow, and no sooner."""
    criterion = kind(0.0, False, window, patience, warmup, 0.01)
    first = max(warmup, window) + patience
    assert [stable(criterion, *[PEAKED] * n) for n in range(1, first + 3)] == (
        [False] * (first - 1) + [True] * 3
    )


@CRITERIA
def test_divergence_is_nan_until_there_is_a_reference(kind):
    criterion = kind(window=3)
    assert np.isnan(criterion.decide(history(*[PEAKED] * 3)).divergence).all()
    assert criterion.decide(history(*[PEAKED] * 4)).divergence.tolist() == [0.0]


@CRITERIA
def test_what_is_too_old_to_take_part_may_be_anything(kind):
    """Nothing is computed of it either, which would warn; an average is of all the past."""
    criterion = kind(window=2, patience=1, tie_patience=1, warmup_epochs=0)
    bad = np.array([np.inf, np.inf, 0.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decision = criterion.decide(history(bad, *[PEAKED] * 4))
    assert decision.stable.tolist() == [kind is JensenShannonStability]


def test_window_sets_the_reference():
    epochs = [PEAKED, OTHER, PEAKED, OTHER]
    for window in (1, 2, 3):
        value = replace(CALM, window=window).decide(history(*epochs)).divergence[0]
        expected = float(jensen_shannon_divergence(epochs[-1], epochs[-1 - window]))
        assert value == pytest.approx(expected)
    assert stable(replace(CALM, window=2), *epochs)
    assert not stable(CALM, *epochs)


def test_patience_counts_calm_epochs_in_a_row():
    epochs = [OTHER, PEAKED, PEAKED, PEAKED]
    assert stable(replace(CALM, patience=2), *epochs)
    assert not stable(replace(CALM, patience=3), *epochs)
    assert not stable(replace(CALM, patience=2), PEAKED, PEAKED, OTHER, OTHER)


def test_uniform_is_calm_but_undecided():
    assert not stable(CALM, *[UNIFORM] * 9)
    assert stable(replace(CALM, min_signal=0), *[UNIFORM] * 9)
    assert stable(CALM, *[PEAKED] * 9)


@pytest.mark.parametrize("epochs", range(3, 9))
@pytest.mark.parametrize("since", [0, 2])
def test_lasting_tie_among_survivors_is_settled(since, epochs):
    """Level survivors of a pruning for three epochs; without a pruning it is the dull start."""
    criterion = replace(CALM, tie_threshold=1e-3, tie_patience=3)
    assert stable(criterion, *[UNIFORM] * epochs, since=since) == (since == 2 and epochs >= 5)
    moving = [UNIFORM + 0.2 * (-1) ** t * np.array([1, 0, -1]) for t in range(epochs)]
    assert not stable(criterion, *moving, since=since)


def test_signal_must_last_for_the_patience():
    assert not stable(replace(CALM, threshold=1, patience=2), UNIFORM, UNIFORM, PEAKED)
    assert stable(replace(CALM, threshold=1, patience=2), UNIFORM, PEAKED, PEAKED)


def test_relative_threshold_is_a_share_of_the_way_come():
    """The same step is small after a long way, and large at the start of one."""
    far, near = np.array([0.90, 0.05, 0.05]), np.array([0.36, 0.33, 0.31])
    step = np.array([0.02, -0.01, -0.01])
    relative = replace(CALM, relative=True, threshold=0.1, min_signal=1e-5)
    assert stable(relative, far, far + step)
    assert not stable(relative, near, near + step)
    assert stable(CALM, near, near + step) is False  # under min_signal
    assert stable(replace(CALM, min_signal=0), near, near + step)


@pytest.mark.parametrize("since", range(5))
def test_evidence_from_before_a_pruning_does_not_count(since):
    criterion = replace(CALM, patience=2)
    assert stable(criterion, *[PEAKED] * 5, since=since) == (since <= 3)


def test_past_is_compared_among_the_survivors():
    """The pruned had half the mass; the survivors' proportions have not moved."""
    before, after = np.array([0.5, 0.4, 0.1]), np.array([0.0, 0.8, 0.2])
    alive = np.array([[False, True, True]])
    decision = CALM.decide(history(before, after, alive=alive))
    assert decision.divergence[0] == pytest.approx(0, abs=1e-12)
    assert decision.stable[0]


@CRITERIA
@given(seed=st.integers(0, 10**6), low=st.floats(0, 1), high=st.floats(0, 1))
def test_monotone_in_the_threshold_and_deterministic(kind, seed, low, high):
    low, high = sorted((low, high))
    for relative in (False, True):
        make = lambda threshold: kind(threshold, relative, 2, 2, 1, 1e-6)  # noqa: E731, B023
        few, many = make(low).decide(drawn(seed)), make(high).decide(drawn(seed))
        assert (few.stable <= many.stable).all()
        assert np.array_equal(few.divergence, many.divergence)
        assert np.array_equal(few.stable, make(low).decide(drawn(seed)).stable)


@CRITERIA
@given(seed=st.integers(0, 10**6))
def test_groups_are_judged_one_by_one(kind, seed):
    whole = drawn(seed)
    together = kind(threshold=0.5).decide(whole)
    for group in range(len(whole.alive)):
        alone = History(whole.probabilities[:, [group]], whole.alive[[group]], whole.since[[group]])
        assert kind(threshold=0.5).decide(alone).stable[0] == together.stable[group]


@CRITERIA
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -0.1])
@pytest.mark.parametrize("epoch", range(8))
def test_numbers_that_are_none_are_unstable_and_spare_the_others(kind, bad, epoch):
    probabilities = np.stack([np.stack([PEAKED, PEAKED])] * 8)
    probabilities[epoch, 0, 1] = bad
    whole = History(probabilities, np.ones((2, 3), dtype=bool), np.zeros(2, dtype=np.int64))
    decision = kind(0.1, False, 2, 2, 0, 0.01, tie_patience=3).decide(whole)
    assert decision.stable[1]
    assert decision.divergence[1] == pytest.approx(0, abs=1e-12)
    # Evidence: three epochs of patience and two of window; the average remembers all.
    evidence = epoch >= 3 or kind is AverageStability
    assert decision.stable[0] == (not evidence)
    assert np.isnan(decision.divergence[0]) == evidence


def test_dead_group_is_no_trouble():
    decision = CALM.decide(history(*[np.zeros(3)] * 4, alive=np.zeros((1, 3), dtype=bool)))
    assert not decision.stable[0]


def test_average_is_the_recursion_it_says():
    epochs = [np.random.default_rng(seed).dirichlet(np.ones(4)) for seed in range(7)]
    criterion = AverageStability(window=2, decay=0.6)
    average = epochs[0]
    for epoch in epochs[1:5]:
        average = 0.6 * average + 0.4 * epoch
    expected = jensen_shannon_divergence(epochs[-1], average)
    assert criterion.decide(history(*epochs)).divergence[0] == pytest.approx(float(expected))


def test_average_without_memory_is_the_plain_criterion():
    plain, average = JensenShannonStability(), AverageStability(decay=0.0)
    for seed in range(5):
        one, other = plain.decide(drawn(seed)), average.decide(drawn(seed))
        assert np.array_equal(one.stable, other.stable)
        assert one.divergence == pytest.approx(other.divergence)


@CRITERIA
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", -0.1),
        ("threshold", float("nan")),
        ("window", 0),
        ("patience", 0),
        ("warmup_epochs", -1),
        ("min_signal", -1e-9),
        ("min_signal", float("nan")),
        ("tie_threshold", -1e-9),
        ("tie_patience", 0),
    ],
)
def test_bad_parameter_is_named(kind, name, value):
    with pytest.raises(ValueError, match=rf"{name} must be at least"):
        kind(**{name: value})


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_bad_decay(decay):
    with pytest.raises(ValueError, match="decay must be in"):
        AverageStability(decay=decay)

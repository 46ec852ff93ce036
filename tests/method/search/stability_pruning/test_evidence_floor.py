"""A walk is not stable however still it stands; a way is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from iac_components.search import Decision, History, JensenShannonStability
from iac_components.search.stability_pruning.evidence_floor import EvidenceFloor, drift_p_values

EPOCHS, GROUPS, ENTRIES, STEPS = 40, 150, 5, 10


class AlwaysStable:
    def decide(self, history):
        groups = history.probabilities.shape[1]
        return Decision(np.ones(groups, dtype=bool), np.full(groups, np.nan))


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def history(steps, *, alive=None, per_epoch=STEPS):
    """History of epoch means, from the steps (T * per_epoch, G, O) of the parameters."""
    probabilities = softmax(np.cumsum(steps, axis=0))
    means = probabilities.reshape(-1, per_epoch, *probabilities.shape[1:]).mean(axis=1)
    groups = means.shape[1:]
    living = np.ones(groups, dtype=bool) if alive is None else alive
    return History(means, living, np.zeros(groups[0], dtype=np.int64))


def cut(whole, epochs):
    return History(whole.probabilities[:epochs], whole.alive, whole.since)


def ever_stable(whole):
    floor = EvidenceFloor(AlwaysStable(), alpha=0.05)
    found = [floor.decide(cut(whole, epochs)).stable for epochs in range(1, EPOCHS + 1)]
    return np.any(found, axis=0)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_of_walks_no_more_than_alpha_ever_pass(momentum, rate):
    noise = np.random.default_rng(0).choice([-1.0, 1.0], size=(EPOCHS * STEPS, GROUPS, ENTRIES))
    for step in range(1, len(noise)):
        noise[step] = momentum * noise[step - 1] + (1 - momentum) * noise[step]
    assert ever_stable(history(rate * noise)).sum() <= binom.isf(0.01, GROUPS, 0.05)


def test_without_the_floor_all_walks_would_pass_and_stability_alone_passes_some():
    noise = np.random.default_rng(0).normal(size=(EPOCHS * STEPS, GROUPS, ENTRIES))
    criterion = JensenShannonStability()
    whole = history(0.01 * noise)
    found = [criterion.decide(cut(whole, epochs)).stable for epochs in range(1, EPOCHS + 1)]
    assert np.any(found, axis=0).mean() > 0.5


@pytest.mark.parametrize(("strength", "epochs"), [(1.0, 20), (0.5, 40)])
def test_a_way_passes_soon(strength, epochs):
    noise = np.random.default_rng(0).normal(size=(EPOCHS * STEPS, GROUPS, ENTRIES))
    drift = np.zeros(ENTRIES)
    drift[0] = strength
    assert ever_stable(cut(history(0.01 * (noise + drift)), epochs)).mean() > 0.9


def test_the_criterion_has_the_last_word():
    drift = np.zeros((200, 1, 3))
    drift[..., 0] = 0.01
    whole = history(drift + 1e-3 * np.random.default_rng(0).normal(size=drift.shape))
    assert EvidenceFloor(AlwaysStable()).decide(whole).stable.all()
    strict = JensenShannonStability(threshold=0.0)
    assert not EvidenceFloor(strict).decide(whole).stable.any()
    found = EvidenceFloor(strict).decide(whole).divergence
    np.testing.assert_array_equal(found, strict.decide(whole).divergence)


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(1, 12))
def test_the_warm_up_and_the_dead_do_not_count(seed, entries, rest):
    generator = np.random.default_rng(seed)
    steps = 0.1 * generator.normal(size=(8, 3, entries))
    alive = np.ones((3, entries), dtype=bool)
    plain, count = drift_p_values(history(steps, alive=alive, per_epoch=1))
    still = np.concatenate([steps[:1], np.zeros((rest, 3, entries)), steps[1:]])
    rested, same = drift_p_values(history(still, alive=alive, per_epoch=1))
    np.testing.assert_allclose(rested, plain)
    np.testing.assert_array_equal(same, count)
    wider = np.concatenate([steps, generator.normal(size=(8, 3, 1))], axis=-1)
    masked = np.concatenate([alive, np.zeros((3, 1), dtype=bool)], axis=-1)
    np.testing.assert_allclose(
        drift_p_values(history(wider, alive=masked, per_epoch=1))[0], plain, rtol=1e-6
    )


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_what_cannot_be_judged_is_not_stable(value):
    whole = history(np.full((5, 2, 3), 0.1), per_epoch=1)
    whole.probabilities[2, 1] = value
    p_values, _ = drift_p_values(whole)
    assert p_values[1] == 1.0
    short = history(np.full((1, 2, 3), 0.1), per_epoch=1)
    assert not EvidenceFloor(AlwaysStable()).decide(short).stable.any()


def test_alpha_is_checked():
    with pytest.raises(ValueError, match="alpha"):
        EvidenceFloor(AlwaysStable(), alpha=0)

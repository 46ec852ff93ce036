"""Criteria by name, and what each lets go."""

from __future__ import annotations

import numpy as np
import pytest

from iac_components.search import (
    CRITERIA,
    DEFAULT_CRITERION,
    EvidenceFloor,
    History,
    JensenShannonStability,
    Regardless,
    criterion_name,
    criterion_object,
)

STABILITY = JensenShannonStability()


def test_each_name_stands_for_its_criterion():
    made = {name: criterion_object(name, stability=STABILITY, alpha=0.1) for name in CRITERIA}
    floor = EvidenceFloor(STABILITY, 0.1)
    assert made == {
        "stability": STABILITY,
        "floor": floor,
        "audit": Regardless(STABILITY),
        "both": floor,
    }
    assert DEFAULT_CRITERION in CRITERIA


def test_an_object_of_one_s_own_is_taken_as_it_is():
    assert criterion_object(STABILITY, stability=STABILITY) is STABILITY
    assert criterion_name(STABILITY) == repr(STABILITY)
    assert criterion_name("audit") == "audit"


def test_an_unknown_name_is_refused_with_the_known():
    with pytest.raises(
        ValueError, match=r"'sure' is unknown. Known: stability, floor, audit, both"
    ):
        criterion_object("sure", stability=STABILITY)


def test_regardless_calls_all_settled_and_keeps_the_divergence():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), size=(6, 2))
    history = History(probabilities, np.ones((2, 3), dtype=bool), np.zeros(2, dtype=np.int64))
    found, inner = Regardless(STABILITY).decide(history), STABILITY.decide(history)
    assert found.stable.tolist() == [True, True]
    assert not inner.stable.all()
    np.testing.assert_array_equal(found.divergence, inner.divergence)

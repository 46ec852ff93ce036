"""Bounds that hold while looking after every epoch, and verdicts that follow from them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom, ttest_1samp

from iac_components.search.audits.audit import (
    Confidence,
    Verdict,
    choose,
    comparisons_among,
    gains,
    judge,
    measure_effects,
)

LEVEL = 0.01
LOSSES = arrays(
    np.float64,
    st.tuples(st.integers(2, 6), st.integers(3, 12)),
    elements=st.floats(-1, 1, width=32),
)


def everyone(part_gains):
    return np.ones(len(part_gains), dtype=bool)


def verdicts(part_gains, *, tolerance=0.0, level=LEVEL, alive=None):
    living = everyone(part_gains) if alive is None else alive
    return judge(part_gains, alive=living, tolerance=tolerance, level=level)


class TestConfidence:
    @given(looks=st.integers(1, 500), comparisons=st.integers(1, 1000))
    def test_known_looks_spend_alpha_and_no_more(self, looks, comparisons):
        confidence = Confidence(0.05, comparisons, looks)
        spent = sum(confidence.level(look) for look in range(1, looks + 1)) * comparisons
        assert spent == pytest.approx(0.05)

    def test_open_ended_looks_never_spend_more_than_alpha(self):
        confidence = Confidence(0.05, 7)
        spent = np.cumsum([7 * confidence.level(look) for look in range(1, 20_000)])
        assert spent[-1] < 0.05
        assert spent[-1] == pytest.approx(0.05, abs=1e-4)

    @pytest.mark.parametrize(
        ("options", "named"),
        [
            ({"alpha": 0}, "alpha"),
            ({"alpha": 1}, "alpha"),
            ({"alpha": math.nan}, "alpha"),
            ({"comparisons": 0}, "comparisons"),
            ({"looks": 0}, "looks"),
        ],
    )
    def test_values_out_of_range_are_named(self, options, named):
        with pytest.raises(ValueError, match=named):
            Confidence(**options)

    @pytest.mark.parametrize("look", [0, 11])
    def test_a_look_that_was_not_planned_is_refused(self, look):
        with pytest.raises(ValueError, match="look must be 1 to 10"):
            Confidence(looks=10).level(look)


class TestEffects:
    def test_they_are_the_paired_t_test(self):
        differences = np.random.default_rng(0).normal(0.1, 1, size=(1, 12))
        found = measure_effects(differences, level=0.025)
        interval = ttest_1samp(differences[0], 0).confidence_interval(0.95)
        assert found.low[0] == pytest.approx(interval.low)
        assert found.high[0] == pytest.approx(interval.high)
        assert found.patients == 12

    @pytest.mark.parametrize("patients", [0, 1, 2])
    def test_too_few_patients_say_nothing(self, patients):
        found = measure_effects(np.ones((2, patients)), level=LEVEL)
        assert (found.low == -np.inf).all()
        assert (found.high == np.inf).all()

    def test_gains_are_what_dropping_costs(self):
        found = gains(np.array([1.0, 2.0]), np.array([[1.5, 2.5], [1.0, 2.0]]))
        np.testing.assert_array_equal(found, [[0.5, 0.5], [0.0, 0.0]])

    def test_shapes_that_do_not_fit_are_told(self):
        with pytest.raises(ValueError, match=r"\(3,\) and \(2, 4\)"):
            gains(np.zeros(3), np.zeros((2, 4)))


class TestJudge:
    @given(LOSSES)
    def test_the_best_is_never_worse_and_one_part_always_stays(self, part_gains):
        found = verdicts(part_gains)
        assert found.verdicts[found.best] == Verdict.EQUAL
        assert not found.worse.all()
        assert part_gains[found.best].mean() == part_gains.mean(axis=1).max()

    @given(LOSSES, st.randoms())
    def test_the_order_of_patients_and_what_they_share_do_not_matter(self, part_gains, random):
        order = list(range(part_gains.shape[1]))
        random.shuffle(order)
        rounded = np.round(part_gains, 3)
        # Of two that are best to the last bit, rounding chooses.
        assume((np.diff(np.sort(rounded.mean(axis=1))) > 1e-9).all())
        shared = np.round(np.linspace(-1, 1, part_gains.shape[1]), 1)
        np.testing.assert_array_equal(
            verdicts(rounded, tolerance=0.0505).verdicts,
            verdicts((rounded + shared)[:, order], tolerance=0.0505).verdicts,
        )

    @given(LOSSES, st.floats(1e-6, 0.4), st.floats(1e-6, 0.4))
    def test_a_stricter_level_decides_no_more(self, part_gains, one, other):
        strict, loose = (verdicts(part_gains, level=level) for level in sorted((one, other)))
        assert (loose.worse | ~strict.worse).all()

    @given(LOSSES, st.floats(0, 1), st.floats(0, 1))
    def test_more_tolerance_deletes_no_more(self, part_gains, one, other):
        small, large = (verdicts(part_gains, tolerance=t) for t in sorted((one, other)))
        assert (small.worse | ~large.worse).all()

    @given(LOSSES)
    def test_the_dead_take_no_part(self, part_gains):
        alive = everyone(part_gains)
        alive[0] = False
        found = verdicts(part_gains, alive=alive)
        others = verdicts(part_gains[1:])
        assert found.verdicts[0] == Verdict.UNDECIDED
        np.testing.assert_array_equal(found.verdicts[1:], others.verdicts)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_a_loss_that_is_not_finite_leaves_its_part_undecided(self, value):
        part_gains = np.array([[1.0, 1.1, 0.9, 1.0], [0.0, 0.1, value, 0.0], [0.1, 0, 0.1, 0]])
        found = verdicts(part_gains)
        assert found.verdicts.tolist() == [Verdict.EQUAL, Verdict.UNDECIDED, Verdict.WORSE]
        nothing = verdicts(np.full((2, 4), value))
        assert nothing.best == -1
        assert not nothing.verdicts.any()

    def test_equal_within_the_tolerance_is_no_reason_to_go(self):
        ahead = np.array([0.010, 0.011, 0.009, 0.010])
        part_gains = np.stack([ahead, np.zeros(4)])
        assert verdicts(part_gains, tolerance=0.005).worse.tolist() == [False, True]
        assert verdicts(part_gains, tolerance=0.02).verdicts.tolist() == [Verdict.EQUAL] * 2

    def test_nothing_competes_as_a_row_of_zeros(self):
        hurts = np.array([-0.5, -0.6, -0.4, -0.5])
        found = verdicts(np.stack([hurts, np.zeros(4)]))
        assert found.best == 1
        assert found.worse.tolist() == [True, False]

    def test_arguments_are_checked(self):
        with pytest.raises(ValueError, match="tolerance"):
            verdicts(np.zeros((2, 3)), tolerance=-1)
        with pytest.raises(ValueError, match=r"\(2, 3\) and \(3,\)"):
            verdicts(np.zeros((2, 3)), alive=np.ones(3, dtype=bool))


class TestChoose:
    COSTS = np.array([3.0, 1.0, 1.0])

    def chosen(self, part_gains, tolerance=0.02):
        part_gains = np.array(part_gains)
        found = verdicts(part_gains, tolerance=tolerance)
        return choose(found, self.COSTS, alive=everyone(part_gains))

    def test_the_cheapest_of_equals_and_of_those_the_better(self):
        part_gains = [[0.012, 0.013, 0.011], [0.009, 0.010, 0.011], [0.010, 0.011, 0.012]]
        assert self.chosen(part_gains, tolerance=1.0) == self.chosen(part_gains, tolerance=2.0)
        assert (self.chosen(part_gains, 1.0).index, self.chosen(part_gains, 1.0).reason) == (
            2,
            "cost",
        )

    def test_evidence_beats_cost(self):
        part_gains = [[1.0, 1.01, 0.99], [0.0, 0.01, 0.0], [0.1, 0.11, 0.1]]
        assert (self.chosen(part_gains).index, self.chosen(part_gains).reason) == (0, "evidence")

    def test_without_a_decision_it_says_so(self):
        part_gains = [[1.0, -1.0, 0.5], [-1.0, 1.0, 0.0], [0.3, 0.0, 0.0]]
        assert self.chosen(part_gains).reason == "undecided"

    def test_nothing_finite_is_nothing_to_choose(self):
        with pytest.raises(ValueError, match="nothing to choose"):
            self.chosen([[np.nan] * 3] * 3)


LOOKS, GROUPS, PARTS, PATIENTS, RUNS = 50, 2, 5, 12, 120
CONFIDENCE = Confidence(0.05, GROUPS * comparisons_among(PARTS), LOOKS)


def simulate(draw, *, truth, generator):
    """Gains (T, G, K, P) of looks at the same patients, with what a patient keeps and what not."""
    shape = (GROUPS, PARTS, PATIENTS)
    lasting = draw(generator, (1, *shape))
    passing = draw(generator, (LOOKS, *shape))
    return truth[..., None] + 0.8 * lasting + 0.6 * passing


def deleted(looks, levels):
    """(G, K) what a race that looks after every epoch has deleted at its end."""
    alive = np.ones((GROUPS, PARTS), dtype=bool)
    for look, groups in enumerate(looks):
        for index, part_gains in enumerate(groups):
            found = judge(part_gains, alive=alive[index], tolerance=0.0, level=levels[look])
            alive[index] &= ~found.worse
    return ~alive


def rate_of_false_deletions(draw, levels):
    generator = np.random.default_rng(0)
    truth = np.zeros((GROUPS, PARTS))
    runs = [simulate(draw, truth=truth, generator=generator) for _ in range(RUNS)]
    return sum(deleted(looks, levels).any() for looks in runs)


@pytest.mark.parametrize("tails", ["normal", "heavy", "skewed"])
def test_looking_after_each_of_fifty_epochs_rarely_deletes_one_of_equals(tails):
    draw = {
        "normal": lambda generator, shape: generator.normal(size=shape),
        "heavy": lambda generator, shape: generator.standard_t(3, size=shape),
        "skewed": lambda generator, shape: generator.exponential(size=shape),
    }[tails]
    levels = [CONFIDENCE.level(look) for look in range(1, LOOKS + 1)]
    false = rate_of_false_deletions(draw, levels)
    # No more than a level of 5 % would give in 99 of 100 repeats of this test.
    assert false <= binom.isf(0.01, RUNS, 0.05)


def test_the_same_looks_without_a_correction_would_delete_one_of_equals():
    normal = rate_of_false_deletions(
        lambda generator, shape: generator.normal(size=shape), [0.05] * LOOKS
    )
    assert normal > 0.9 * RUNS


def test_what_matters_is_found_and_the_rest_goes():
    generator = np.random.default_rng(1)
    truth = np.zeros((GROUPS, PARTS))
    truth[:, 0] = 5.0  # standard deviations between patients
    hits = 0
    levels = [CONFIDENCE.level(look) for look in range(1, LOOKS + 1)]
    for _ in range(20):
        looks = simulate(
            lambda source, shape: source.normal(size=shape), truth=truth, generator=generator
        )
        gone = deleted(looks, levels)
        assert not gone[:, 0].any()
        hits += gone[:, 1:].mean()
    assert hits / 20 > 0.95

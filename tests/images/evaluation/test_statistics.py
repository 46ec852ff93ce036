from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from iac_components.evaluation import bootstrap_interval, holm, paired_comparison, summarize

VALUES = np.random.default_rng(0).normal(0.8, 0.1, 25).tolist()


def test_bootstrap_is_decided_by_its_seed() -> None:
    first = bootstrap_interval(VALUES, num_resamples=500, seed=1)
    assert first == bootstrap_interval(VALUES, num_resamples=500, seed=1)
    assert first != bootstrap_interval(VALUES, num_resamples=500, seed=2)


def test_bootstrap_interval_is_near_the_normal_one_and_widens_with_confidence() -> None:
    lower, upper = bootstrap_interval(VALUES)
    expected = stats.norm.interval(0.95, np.mean(VALUES), stats.sem(VALUES))
    assert (lower, upper) == pytest.approx(expected, abs=0.006)
    wider = bootstrap_interval(VALUES, confidence=0.99)
    assert wider[0] < lower < upper < wider[1]


@pytest.mark.parametrize("value", [0.0, 0.7, -3.0])
def test_equal_values_give_an_interval_of_no_width(value: float) -> None:
    assert bootstrap_interval([value] * 5) == (value, value)


@pytest.mark.parametrize(
    "values", [[0.1, 0.1 + 1e-16, 0.1], [0.0] * 30 + [1e-300], [0.0, 1.0], [0.0] * 200 + [1.0]]
)
def test_degenerate_values_still_give_a_finite_interval(values: list[float]) -> None:
    lower, upper = bootstrap_interval(values, num_resamples=300)
    assert min(values) <= lower + 1e-15
    assert lower <= upper <= max(values) + 1e-15


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([], {}, "at least two patients, got 0"),
        ([1.0], {}, "at least two patients, got 1"),
        ([1.0, math.nan], {}, "finite"),
        ([1.0, math.inf], {}, "finite"),
        ([1.0, 2.0], {"confidence": 1.0}, "confidence"),
        ([1.0, 2.0], {"num_resamples": 0}, "num_resamples"),
    ],
)
def test_bootstrap_refuses(values: list[float], options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(values, **options)


def test_holm_against_an_example_done_by_hand() -> None:
    # Sorted: 0.005 x 4 = 0.02, 0.01 x 3 = 0.03, 0.03 x 2 = 0.06, 0.04 x 1 = 0.04 raised to 0.06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_lies_between_no_correction_and_bonferroni_and_keeps_the_order(
    p_values: list[float],
) -> None:
    corrected = holm(p_values)
    for raw, value in zip(p_values, corrected, strict=True):
        assert raw <= value <= min(1.0, raw * len(p_values)) or value == pytest.approx(raw)
    ranked = [value for _, value in sorted(zip(p_values, corrected, strict=True))]
    assert ranked == sorted(ranked)
    assert min(corrected) == min(1.0, min(p_values) * len(p_values))


@pytest.mark.parametrize("p_values", [[-0.1], [1.1], [0.5, math.nan]])
def test_holm_refuses_what_is_no_probability(p_values: list[float]) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm(p_values)


def test_paired_comparison_is_b_minus_a() -> None:
    a = [0.5, 0.6, 0.7, 0.8, 0.9, 0.4]
    b = [0.6, 0.75, 0.8, 0.95, 0.97, 0.6]
    result = paired_comparison(a, b)
    assert result.n == 6
    assert result.mean_difference == pytest.approx(0.77 / 6)
    assert 0.07 <= result.lower < result.mean_difference < result.upper <= 0.2
    # Six differences of one sign: the smallest two-sided exact p there is, 2 / 2**6.
    assert result.p_value == pytest.approx(2 / 64, abs=0.005)
    assert result.non_inferior is None
    back = paired_comparison(b, a)
    assert back.mean_difference == pytest.approx(-result.mean_difference)
    assert back.p_value == pytest.approx(result.p_value)


def test_no_difference_at_all_is_p_one_and_non_inferior() -> None:
    result = paired_comparison(VALUES, VALUES, margin=0.005)
    assert (result.mean_difference, result.lower, result.upper) == (0.0, 0.0, 0.0)
    assert result.p_value == 1.0
    assert result.non_inferior is True


@pytest.mark.parametrize(
    ("shift", "expected"), [(-0.004, True), (-0.006, False), (0.1, True), (-0.1, False)]
)
def test_non_inferiority_both_ways(shift: float, expected: bool) -> None:
    noise = np.random.default_rng(1).normal(0, 1e-4, len(VALUES))
    b = [value + shift + error for value, error in zip(VALUES, noise, strict=True)]
    assert paired_comparison(VALUES, b, margin=0.005).non_inferior is expected


def test_equal_means_are_not_non_inferior_when_the_interval_is_wide() -> None:
    b = [value + (0.1 if index % 2 else -0.1) for index, value in enumerate(VALUES[:24])]
    result = paired_comparison(VALUES[:24], b, margin=0.005)
    assert result.mean_difference == pytest.approx(0.0)
    assert result.non_inferior is False


def test_the_margin_itself_is_inferior() -> None:
    assert paired_comparison([1.0, 1.0], [0.5, 0.5], margin=0.5).non_inferior is False


@pytest.mark.parametrize(
    ("a", "b", "margin", "message"),
    [
        ([1.0, 2.0], [1.0], None, "a has 2 values but b has 1"),
        ([1.0], [1.0], None, "at least two"),
        ([1.0, math.nan], [1.0, 2.0], None, "a must be a list of finite"),
        ([1.0, 2.0], [1.0, 2.0], -0.1, "margin -0.1"),
        ([1.0, 2.0], [1.0, 2.0], math.nan, "margin nan"),
    ],
)
def test_paired_comparison_refuses(
    a: list[float], b: list[float], margin: float | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        paired_comparison(a, b, margin=margin)


def test_summary_counts_the_excluded_and_leaves_them_out() -> None:
    summary = summarize([0.5, math.nan, 0.7, 0.9])
    assert (summary.n_patients, summary.n_excluded) == (3, 1)
    assert (summary.mean, summary.median) == (pytest.approx(0.7), 0.7)
    assert summary.sd == pytest.approx(0.2)
    assert 0.5 <= summary.lower < 0.7 < summary.upper <= 0.9 + 1e-9


def test_summary_of_too_few_patients_has_no_spread() -> None:
    one, none = summarize([0.5]), summarize([math.nan])
    assert (one.mean, one.median, one.n_patients) == (0.5, 0.5, 1)
    assert all(math.isnan(value) for value in (one.sd, one.lower, one.upper, none.mean))
    assert (none.n_patients, none.n_excluded) == (0, 1)

from __future__ import annotations

import numpy as np
import pytest

from studies.cell_table.findings.replay import replay_choice, replay_score

DICE = np.random.default_rng(0).normal(0.7, 0.02, size=60)


def test_a_perfect_score_has_no_regret():
    found = replay_score(DICE, 2 * DICE + 1)
    assert found.rank_correlation.value == pytest.approx(1)
    assert found.regret.value == found.regret.high == 0
    assert found.percentile.value > 0.98


def test_a_score_upside_down_takes_the_worst():
    found = replay_score(DICE, -DICE)
    assert found.rank_correlation.value == pytest.approx(-1)
    assert found.regret.value == pytest.approx(np.ptp(DICE))
    assert found.percentile.value < 0.02


def test_a_score_of_chance_has_intervals_that_say_so():
    found = replay_score(DICE, np.random.default_rng(1).normal(size=60))
    assert found.rank_correlation.low < 0 < found.rank_correlation.high
    assert found.percentile.low < 0.5 < found.percentile.high


def test_a_score_that_is_the_same_for_all_has_no_correlation():
    assert np.isnan(replay_score(DICE, np.zeros(60)).rank_correlation.value)


@pytest.mark.parametrize(
    ("dice", "score"),
    [(DICE[:2], DICE[:2]), (DICE, DICE[:5]), (DICE, np.full(60, np.nan))],
)
def test_what_cannot_be_replayed_is_refused(dice, score):
    with pytest.raises(ValueError, match=r"expected one Dice|must be finite"):
        replay_score(dice, score)


def test_found_against_random_takes_the_cell_as_the_unit():
    random = DICE[:20]
    assert replay_choice(random[:5] + 0.08, random) < 0.001
    assert replay_choice(DICE[20:25], random) > 0.02
    assert replay_choice(random[:5] - 0.08, random) > 0.99


def test_the_permutation_test_keeps_its_level():
    generator = np.random.default_rng(2)
    draws = generator.normal(size=(200, 25))
    small = sum(
        replay_choice(d[:5], d[5:], resamples=200, seed=i) < 0.05 for i, d in enumerate(draws)
    )
    assert small <= 19  # 99 % point of a binomial with 200 trials at 5 %

from __future__ import annotations

import numpy as np
import pytest

from studies.cell_table.findings.reliability import reliability


def scores(between, within, *, cells=400, seeds=3):
    generator = np.random.default_rng(0)
    truth = generator.normal(0.7, between, size=(cells, 1)) if between else np.full((cells, 1), 0.7)
    return truth + generator.normal(0, within, size=(cells, seeds))


def test_both_spreads_come_back():
    found = reliability(scores(0.03, 0.01))
    assert found.between_cells == pytest.approx(0.03, rel=0.1)
    assert found.between_seeds == pytest.approx(0.01, rel=0.1)
    assert found.icc == pytest.approx(0.9, abs=0.03)
    assert found.icc_low < found.icc < found.icc_high


def test_seeds_alone_are_nothing_to_find():
    found = reliability(scores(0.0, 0.01))
    assert found.icc_low < 0 < found.icc_high
    assert abs(found.icc) < 0.1


def test_agreement_with_the_definition_on_a_table_of_a_textbook():
    """Shrout and Fleiss 1979, table 2: six targets, four judges, ICC(1,1) = 0.17."""
    table = np.array(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]],
        dtype=float,
    )
    assert reliability(table).icc == pytest.approx(0.17, abs=0.005)


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (4,)])
def test_too_little_is_refused(shape):
    with pytest.raises(ValueError, match="two cells and two seeds"):
        reliability(np.zeros(shape))

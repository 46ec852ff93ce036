"""Candidates that are given up early."""

from __future__ import annotations

import pytest

from iac_components.adaptation.choice.racing import left_behind


@pytest.mark.parametrize(
    ("gains", "behind"),
    [
        (
            {"a": [0.3, 0.4], "b": [0.2, 0.3]},
            {"b": ("a", pytest.approx(0.35), pytest.approx(0.25))},
        ),
        # Ahead in one patient.
        ({"a": [0.3, 0.4], "b": [0.1, 0.41]}, {}),
        # Behind by less than the margin.
        ({"a": [0.3, 0.4], "b": [0.29, 0.39]}, {}),
        # Behind the released network.
        ({"a": [-0.1, -0.2], "b": [0.0, 0.01]}, {"a": ("b", pytest.approx(0.005), -0.15)}),
        (
            {"a": [-0.1, -0.2], "b": [-0.1, -0.1]},
            {"a": ("released", 0, pytest.approx(-0.15)), "b": ("released", 0, -0.1)},
        ),
        ({}, {}),
    ],
)
def test_the_worse_in_every_patient_and_by_much_are_left_behind(gains, behind):
    found = left_behind(gains, give_up=0.03)
    assert set(found) == set(behind)
    for arm, (best, ahead, own) in behind.items():
        assert found[arm][0] == best
        assert found[arm][1:] == (pytest.approx(ahead), pytest.approx(own))


def test_none_is_left_behind_where_all_are_tried():
    assert not left_behind({"a": [0.3, 0.4], "b": [-0.2, -0.3]}, give_up=0)

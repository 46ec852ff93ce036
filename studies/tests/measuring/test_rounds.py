"""Turns are taken in both directions, and ratios are of what was timed side by side."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from studies.measuring.clock import Seconds
from studies.measuring.rounds import compare, summary, time_rounds

CPU = torch.device("cpu")


def test_every_other_round_goes_backwards_and_the_first_does_not_count():
    calls: list[str] = []
    runs = {name: lambda name=name: calls.append(name) for name in "abc"}
    times = time_rounds(runs, repeats=2, device=CPU)
    assert "".join(calls) == "cba" + "abc" + "cba"
    assert {name: len(values) for name, values in times.items()} == {"a": 2, "b": 2, "c": 2}


def test_waiting_takes_wall_time_only(monkeypatch):
    spent = {"wall": 3.0, "cpu": 1.0}
    clocks = {"perf_counter": lambda: spent["wall"], "process_time": lambda: spent["cpu"]}
    monkeypatch.setattr("studies.measuring.clock.time", SimpleNamespace(**clocks))
    runs = {"wait": lambda: spent.update(wall=spent["wall"] + 5), "rest": lambda: None}
    times = time_rounds(runs, repeats=2, device=CPU)
    assert times == {"wait": [Seconds(5, 0)] * 2, "rest": [Seconds(0, 0)] * 2}


def both(*values: float) -> list[Seconds]:
    return [Seconds(value, 10 * value) for value in values]


def test_summary():
    record = summary(both(3, 1, 2))
    assert record["wall"] == {"minimum": 1, "median": 2, "maximum": 3, "all": [3, 1, 2]}
    assert record["cpu"]["minimum"] == 10


def test_ratios_of_one_job():
    for kind in compare([(both(4, 6, 20), both(1, 2, 4))]).values():
        assert kind["ratio_of_minima"] == 4
        assert kind["ratio_of_medians"] == 3
        assert kind["median_of_pairs"] == 4


def test_jobs_are_added_up():
    ratios = compare([(both(2), both(1)), (both(8), both(9))])["wall"]
    assert ratios["ratio_of_minima"] == pytest.approx(1.0)
    assert ratios["median_of_pairs"] == pytest.approx((2 + 8 / 9) / 2)

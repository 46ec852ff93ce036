"""The meter of peaks sees what rises after its start, also if it has fallen again."""

from __future__ import annotations

import gc

import pytest
import torch

from studies.measuring.peak_memory import PeakMeter, give_back_freed

CPU = torch.device("cpu")
SIZE = 48 * 2**20


@pytest.fixture(autouse=True)
def _nothing_freed_is_held():
    # What other tests of this process have freed would be reused without growth of the set, and
    # garbage of theirs that is collected meanwhile would hide it.
    gc.collect()
    give_back_freed()


def touch(size: int) -> torch.Tensor:
    return torch.full((size,), 1, dtype=torch.uint8)


def test_a_passing_peak_counts():
    meter = PeakMeter(CPU)
    touch(SIZE)
    assert meter.growth() == pytest.approx(SIZE, rel=0.2)


def test_an_earlier_peak_does_not():
    touch(2 * SIZE)
    meter = PeakMeter(CPU)
    touch(SIZE // 2)
    assert meter.growth() < SIZE


def test_what_is_held_at_the_start_does_not():
    held = touch(2 * SIZE)
    meter = PeakMeter(CPU)
    touch(SIZE)
    assert held[-1] == 1
    assert meter.growth() == pytest.approx(SIZE, rel=0.2)


def test_what_was_freed_is_not_held():
    # Small pieces come from the heap, whose top stays in use: without a trim they would stay too.
    pieces = [touch(2**12) for _ in range(2**13)]
    last = touch(2**12)
    held = PeakMeter(CPU).start
    pieces.clear()
    give_back_freed()
    assert last[0] == 1
    assert PeakMeter(CPU).start < held - 2**23

"""Adapters in bfloat16 and in float32: what is kept, and how a step is timed."""

from __future__ import annotations

import json
import math

import torch
from monai.networks.nets import UNet

from studies.adaptation import precision, steps


def test_steps_of_every_candidate_are_timed_in_both():
    torch.manual_seed(0)
    network = UNet(spatial_dims=2, in_channels=1, out_channels=2, channels=(16, 32), strides=(2,))
    found = steps.time_steps(network, (16, 16))
    assert {"norms", "lora"} <= set(found)
    for seconds in found.values():
        assert set(seconds) == {"float32", "bfloat16"}
        assert all(math.isfinite(value) and value >= 0 for value in seconds.values())


def test_what_is_kept_holds_what_the_page_says():
    dice = json.loads(precision.RESULT.read_text())
    assert dice["bfloat16_units"] is True
    assert set(dice["shifts"]) == set(precision.SHIFTS)
    differences = [
        abs(mixed - exact)
        for shift in dice["shifts"].values()
        for arm in shift["arms"].values()
        for exact, mixed in zip(arm["float32"]["dice"], arm["bfloat16"]["dice"], strict=True)
    ]
    assert len(differences) == 24
    assert sum(difference <= 0.003 for difference in differences) == 23
    timed = json.loads(steps.RESULT.read_text())
    assert timed["bfloat16_units"] is True
    ratios = [
        seconds["bfloat16"] / seconds["float32"]
        for network in timed["networks"].values()
        for seconds in network["seconds"].values()
    ]
    assert (round(min(ratios), 2), round(max(ratios), 2)) == (0.3, 0.87)

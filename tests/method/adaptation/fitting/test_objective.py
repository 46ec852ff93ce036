"""Loss, label maps and Dice of the judged classes."""

from __future__ import annotations

import math

import pytest
import torch

from iac_components.adaptation.fitting.objective import Objective, paired_gain

NAN = math.nan


def test_classes_that_are_not_judged_count_as_background():
    output = torch.randn(2, 4, 5, 5)
    found = Objective((2,), 4).logits(output).softmax(dim=1)
    whole = output.softmax(dim=1)
    assert torch.allclose(found[:, 1], whole[:, 2], atol=1e-6)
    assert torch.allclose(found[:, 0], whole[:, [0, 1, 3]].sum(dim=1), atol=1e-6)
    label = torch.tensor([[0, 1, 2, 3]])
    assert Objective((2,), 4).targets(label).tolist() == [[0, 0, 1, 0]]


def test_a_single_channel_is_a_sigmoids():
    output = torch.randn(2, 1, 5, 5)
    found = Objective((1,), 1).logits(output).softmax(dim=1)
    assert torch.allclose(found[:, 1:], output.sigmoid(), atol=1e-6)


def test_all_classes_are_the_networks_own_logits():
    output = torch.randn(1, 3, 4, 4)
    assert torch.equal(Objective((1, 2), 3).logits([output]), output)


@pytest.mark.parametrize(
    ("before", "after", "gain"),
    [
        ((0.5, 0.6), (0.7, 0.6), 0.1),
        ((0.5, NAN), (0.7, NAN), 0.2),
        ((NAN,), (NAN,), 0.0),
        ((NAN,), (0.0,), -1.0),  # the second invents what is not there
        ((0.0,), (NAN,), 1.0),
    ],
)
def test_gains_are_paired_by_class(before, after, gain):
    assert paired_gain(before, after) == pytest.approx(gain)

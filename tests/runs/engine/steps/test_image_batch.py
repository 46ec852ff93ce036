"""The images of a batch, whatever it calls them."""

from __future__ import annotations

import pytest
import torch

from iac_components.engine import image_batch


@pytest.mark.parametrize("key", ["image", "ct"])
def test_it_is_taken_by_its_key(key):
    batch = {key: torch.ones(2, 1, 4, 4), "other": torch.zeros(1)}
    image, label = image_batch(batch, "cpu", False, image_key=key)
    assert image is batch[key]
    assert label is None


def test_arguments_of_a_move_are_passed_on():
    image, _ = image_batch({"image": torch.ones(1)}, "cpu", dtype=torch.float64)
    assert image.dtype == torch.float64

"""The description of a place is a value."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from iac_components.networks import SkipConnection

CONNECTION = SkipConnection(name="up", level=0, skip_channels=2, gate_channels=3, spatial_dims=2)


def test_it_is_hashable_and_compares_by_content():
    assert len({CONNECTION, replace(CONNECTION), replace(CONNECTION, level=1)}) == 2


def test_it_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        CONNECTION.level = 1

"""Patches turn about all axes, unless one is much coarser than the others."""

from __future__ import annotations

import pytest

from iac_components.data import rotation_angles


@pytest.mark.parametrize(
    ("pixdim", "angles"),
    [
        ((1.0, 1.0, 1.0), (0.26, 0.26, 0.26)),
        ((0.8, 0.8, 2.4), (0.26, 0.26, 0.26)),
        ((0.8, 0.8, 2.5), (0.0, 0.0, 0.26)),
        ((3.6, 0.62, 0.62), (0.26, 0.0, 0.0)),
        # Two coarse axes leave no fine plane to turn in.
        ((5.0, 5.0, 1.0), (0.26, 0.26, 0.26)),
    ],
)
def test_angles(pixdim, angles):
    assert rotation_angles(pixdim) == angles

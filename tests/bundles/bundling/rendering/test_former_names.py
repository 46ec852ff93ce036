"""Names of earlier versions lead to the bundles of today."""

from __future__ import annotations

import pytest

from iac_components.bundling.rendering import all_combinations
from iac_components.bundling.rendering.former_names import present_name


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("hepatic_vessel", "hepaticvessel"),
        ("hepatic_vessel_dints", "hepaticvessel_dints"),
        ("hepatic_vessel_dints_segmentation_train", "hepaticvessel_dints_segmentation_train"),
        ("hepatic_vessels", "hepatic_vessels"),
        ("acdc_unet", "acdc_unet"),
    ],
)
def test_a_former_name_is_understood(typed, expected):
    assert present_name(typed) == expected


def test_no_bundle_is_called_so_that_monai_cuts_its_name():
    assert not [one.prefix for one in all_combinations() if "_v" in one.prefix]

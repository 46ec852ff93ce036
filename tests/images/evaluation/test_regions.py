from __future__ import annotations

import pytest

from iac_components.evaluation import scored_regions

CLASSES = ["necrotic_core", "edema", "enhancing_tumour"]


def test_without_regions_each_class_is_scored_by_its_own() -> None:
    assert scored_regions(CLASSES) == {
        "necrotic_core": (1,),
        "edema": (2,),
        "enhancing_tumour": (3,),
    }


def test_regions_keep_their_order_and_may_overlap_and_bear_a_class_name() -> None:
    regions = {"whole_tumour": [1, 2, 3], "tumour_core": [3, 1], "enhancing_tumour": (3,)}
    scored = scored_regions(CLASSES, regions)
    assert list(scored.items()) == [
        ("whole_tumour", (1, 2, 3)),
        ("tumour_core", (3, 1)),
        ("enhancing_tumour", (3,)),
    ]


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        ({}, "must map the name of each region"),
        ([[1, 2]], "must map the name of each region"),
        ({"": [1]}, "must map the name of each region"),
        ({"core": []}, r"region 'core' must list at least one label value, not \[\]"),
        ({"core": "12"}, "region 'core' must list at least one label value, not '12'"),
        ({"core": 1}, "region 'core' must list at least one label value, not 1"),
        ({"core": {1, 3}}, "region 'core' must list at least one label value"),
        ({"core": [1, 4]}, "region 'core' holds label value 4, outside 1 to 3.*3 enhancing_tumour"),
        ({"core": [0]}, "region 'core' holds label value 0, outside 1 to 3"),
        ({"core": ["edema"]}, "region 'core' holds 'edema', which is not an integer.*2 edema"),
        ({"core": [True]}, "region 'core' holds True, which is not an integer"),
        ({"core": [1.0]}, "region 'core' holds 1.0, which is not an integer"),
        ({"core": [1, 3, 1]}, r"region 'core' holds a label value twice: \[1, 3, 1\]"),
        ({"all": [1], "core": []}, "region 'core'"),
    ],
)
def test_bad_regions_are_named(regions: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scored_regions(CLASSES, regions)  # type: ignore[arg-type]

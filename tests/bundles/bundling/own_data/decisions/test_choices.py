"""The rules for a data set of one's own, one by one."""

from __future__ import annotations

import pytest
from given_facts import given_facts
from hypothesis import given, settings
from hypothesis import strategies as st

from iac_components.bundling.own_data import Choice, make_choices
from iac_components.bundling.own_data.decisions.mirroring import mirrored_pair
from iac_components.bundling.own_data.decisions.sizes import divisor_of, view_of, within_budget
from iac_components.bundling.rendering.facts import IAC, known, load_backbone
from iac_components.data import DatasetError
from iac_components.networks import plan_nnunet


@pytest.fixture(autouse=True)
def linear_memory(request, monkeypatch):
    """Count pixels rather than measure, but where a test is about the measuring."""
    if "measured" in request.node.name:
        return
    monkeypatch.setattr(
        "iac_components.bundling.own_data.decisions.choices.bytes_an_image",
        lambda backbone, patch, **_: 1000 * patch[0] * patch[1],
    )


def decided(facts, backbone: str = "unet", **options) -> dict[str, Choice]:
    return {c.key: c for c in make_choices(facts, load_backbone(backbone), **options)}


def value(key: str, facts, backbone: str = "unet", **options) -> object:
    return decided(facts, backbone, **options)[key].value


def test_every_decision_has_a_reason_and_a_source():
    for choice in decided(given_facts()).values():
        assert choice.reason
        assert choice.source


@pytest.mark.parametrize(("patients", "criterion"), [(6, "stability"), (30, "audit")])
def test_a_search_audits_where_there_are_patients_to_judge_by(patients, criterion):
    choice = decided(given_facts(volumes=patients))["criterion"]
    assert choice.value == {"search": criterion}
    assert ("needs 3" in choice.reason) is (criterion == "stability")


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (("left_kidney", "liver", "right_kidney"), ("left_kidney", "right_kidney")),
        (("kidney_l", "kidney_r"), ("kidney_l", "kidney_r")),
        (("right_ventricle",), None),
        (("right_ventricle", "myocardium", "left_ventricle"), None),
        (("left_lateral_ventricle", "right_lateral_ventricle"), True),
        (("left_kidney", "right_lung"), None),
        (("bright_spot", "cleft"), None),
    ],
)
def test_mirror_images_are_left_and_right_of_one_name(names, pair):
    found = mirrored_pair(names)
    assert found == pair or (pair is True and found is not None)


@pytest.mark.parametrize(
    ("options", "flips"),
    [
        ({}, [0.5, 0.5]),
        ({"classes": ("right_ventricle",)}, [0.5, 0.5]),
        ({"classes": ("left_kidney", "right_kidney")}, [0.0, 0.5]),
        ({"classes": ("left_kidney", "right_kidney"), "plane": "coronal"}, [0.0, 0.5]),
        ({"classes": ("left_kidney", "right_kidney"), "plane": "sagittal"}, [0.5, 0.5]),
    ],
)
def test_all_axes_are_mirrored_but_where_two_classes_differ_by_side(options, flips):
    assert value("flip_probabilities", given_facts(**options)) == flips


@pytest.mark.parametrize("filled", [0.01, 0.1, 0.3, 0.6, 0.75, 0.9, 1.0])
def test_empty_slices_become_a_quarter_at_most(filled):
    kept = value("empty_fraction", given_facts(filled=filled))
    empty = (1 - filled) * kept
    assert 0 < kept <= 1
    assert empty / (empty + filled) <= 0.25
    if empty:
        assert empty / (empty + filled) > 0.22 or kept == 1
    if filled >= 0.75:
        assert kept == 1


@pytest.mark.parametrize(
    ("channels", "target"),
    [
        (("CT",), "ScaleIntensityRanged"),
        (("computed tomography",), "ScaleIntensityRanged"),
        (("CT_arterial", "ct venous"), "iac_components.data.NormalizeChannelsd"),
        (("MRI",), "NormalizeIntensityd"),
        (("CT", "PET"), "iac_components.data.NormalizeChannelsd"),
        (("CBCT",), "NormalizeIntensityd"),
        (None, "NormalizeIntensityd"),
    ],
)
def test_a_window_is_for_ct_alone(channels, target):
    chosen = value("voxel_values", given_facts(channels=channels))
    assert chosen["_target_"] == target
    if target == "ScaleIntensityRanged":
        assert (chosen["a_min"], chosen["a_max"], chosen["clip"]) == (-100.0, 240.0, True)
    elif target == "NormalizeIntensityd":
        assert chosen["channel_wise"] is True
        assert "nonzero" not in chosen
    else:
        windows = [[-100.0, 240.0] if "ct" in name.lower() else None for name in channels]
        assert chosen["windows"] == windows


@pytest.mark.parametrize(
    ("cropped", "nonzero"), [((0.9, 0.9, 0.9), True), ((0.95, 0.9, 0.9), False)]
)
def test_zeros_are_left_out_where_under_three_quarters_are_left(cropped, nonzero):
    chosen = value("voxel_values", given_facts(channels=("T1",), cropped=cropped))
    assert chosen.get("nonzero", False) == nonzero


def test_values_that_are_no_class_numbers_are_mapped_in_labels_alone():
    facts = given_facts(channels=("MR",), classes=("a", "b"), values=((1, 2), (255,)))
    first, second = value("voxel_values", facts)["transforms"]
    assert (first["orig_labels"], first["target_labels"]) == ([2, 255], [1, 2])
    assert (first["keys"], first["allow_missing_keys"]) == ("label", True)
    assert second["_target_"] == "NormalizeIntensityd"
    assert value("label_values", facts) == [0, 1, 2, 255]


def test_ct_without_a_range_of_grey_values_is_refused():
    with pytest.raises(DatasetError, match="all grey values of the cases read are 7"):
        value("voxel_values", given_facts(windows=((7.0, 7.0),)))


sides = st.integers(1, 700)
millimetres = st.floats(0.2, 5)


@settings(max_examples=40)
@given(pixels=st.tuples(sides, sides), spacing=st.tuples(millimetres, millimetres))
@pytest.mark.parametrize("name", known(IAC / "backbones"))
def test_sizes_suit_the_backbone(name, pixels, spacing):
    backbone = load_backbone(name)
    patch = within_budget(pixels, backbone, spacing=spacing, bytes_of=lambda _: 1, budget=9)
    steps = divisor_of(backbone, patch, spacing)
    assert all(size % step == 0 for size, step in zip(patch, steps, strict=True))
    assert all(size >= wanted for size, wanted in zip(patch, pixels, strict=True))
    if name == "nnunet":
        assert list(plan_nnunet(patch, spacing=spacing).divisor) == steps
    else:
        assert all(size >= 2 * step for size, step in zip(patch, steps, strict=True))


@settings(max_examples=30)
@given(pixels=st.tuples(st.integers(64, 700), st.integers(64, 700)), limit=st.integers(9000, 10**6))
@pytest.mark.parametrize("name", known(IAC / "backbones"))
def test_a_patch_shrinks_until_two_images_fit(name, pixels, limit):
    backbone = load_backbone(name)
    patch = within_budget(
        pixels, backbone, spacing=(1, 1), bytes_of=lambda p: p[0] * p[1], budget=2 * limit
    )
    steps = divisor_of(backbone, patch, (1, 1))
    assert patch[0] * patch[1] <= limit or min(patch) <= 2 * max(steps)


def test_the_memory_that_is_planned_for_is_measured():
    facts = given_facts(size=(160, 160, 40), channels=("MR",))
    large, small = (decided(facts, memory=memory) for memory in (1.5, 0.03))
    assert large["patch_size"].value == [160, 160]
    assert max(small["patch_size"].value) < 160
    assert small["batch_size"].value["train"] >= 2
    assert "measured" in small["batch_size"].reason
    assert large["batch_size"].value["search"] < large["batch_size"].value["train"]


def test_the_median_slice_makes_the_patch_not_the_largest():
    sizes = [[200, 240, 10]] * 3 + [[900, 900, 10]] * 2 + [[190, 230, 10]]
    facts = given_facts(size=sizes)
    assert value("patch_size", facts) == [208, 240]


def test_brains_on_zeros_are_planned_without_them():
    facts = given_facts(size=(240, 240, 155), cropped=(0.575, 0.7, 0.9), channels=("T1",))
    assert value("patch_size", facts) == [144, 176]


def test_the_window_reaches_the_labels_up_to_a_limit_and_says_so():
    near = given_facts(size=(100, 100, 10), needed=(110, 60, 10))
    assert view_of(near, [96, 96], steps=[16, 16]) == ([112, 96], 0)
    far = given_facts(size=(100, 100, 10), needed=(400, 60, 10))
    assert view_of(far, [96, 96], steps=[16, 16]) == ([144, 96], 6)
    assert "6 of 6 cases have labels beyond it" in decided(far)["field_of_view"].reason


@pytest.mark.parametrize(
    ("options", "count"),
    [({}, 5), ({"volumes": 3}, 3), ({"volumes": 4, "folds": (0, 1, 0, 1)}, 2)],
)
def test_folds_are_as_many_as_stated_or_as_patients_allow(options, count):
    assert value("num_folds", given_facts(**options)) == count


def test_a_batch_is_five_percent_of_the_pixels_at_most():
    few = given_facts(size=(64, 64, 5), volumes=8, channels=("MR",))
    assert value("batch_size", few) == {"search": 2, "train": 2}
    many = given_facts(size=(64, 64, 100), volumes=20, channels=("MR",))
    assert value("batch_size", many) == {"search": 8, "train": 16}

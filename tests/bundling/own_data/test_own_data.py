"""The rules for a data set of one's own, one by one, and the faults that they report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iac_components.bundling.own_data.description import (
    DatasetDescription,
    modality_of,
)
from iac_components.bundling.own_data.facts import DatasetFacts
from iac_components.bundling.own_data.geometry import Geometry
from iac_components.bundling.own_data.planes import (
    PLANES,
    choose_plane,
    in_plane_pixels,
    median_spacing,
    other_planes,
    slice_sizes,
)
from iac_components.bundling.own_data.rules import make_choices
from iac_components.bundling.own_data.sample import VoxelSample

from iac_components.bundling.rendering.facts import IAC, known, load_backbone
from iac_components.data import DatasetError
from iac_components.data.case import Case
from iac_components.networks import plan_nnunet


def geometry(spacing, size=(100, 100, 20), volumes: int = 3) -> Geometry:
    spacings = np.broadcast_to(np.asarray(spacing, dtype=float), (volumes, 3))
    return Geometry(spacings, np.broadcast_to(np.asarray(size, dtype=float), (volumes, 3)), 1)


@pytest.mark.parametrize(
    ("spacing", "plane"),
    [
        ((1, 1, 1), "axial"),
        ((0.9, 0.9, 0.8), "axial"),
        ((1, 1, 5), "axial"),
        ((5, 1, 1), "sagittal"),
        ((1, 5, 1), "coronal"),
        ((1.4, 1, 1), "axial"),
        ([(1, 1, 5), (1, 1, 5), (5, 1, 1)], "axial"),
    ],
)
def test_slices_lie_across_the_clearly_coarsest_axis(spacing, plane):
    assert choose_plane(geometry(spacing)).name == plane


def test_volumes_that_are_coarser_another_way_are_counted():
    mixed = geometry([(1, 1, 5), (1, 1, 5), (5, 1, 1)])
    assert other_planes(mixed, PLANES["axial"]) == 1
    assert other_planes(geometry((1, 1, 5)), PLANES["axial"]) == 0


@pytest.mark.parametrize("plane", PLANES.values(), ids=PLANES)
def test_axcodes_put_the_axis_across_last(plane):
    order = ["RAS".index(letter) for letter in plane.axcodes]
    assert order == [*plane.in_plane, plane.axis]


def test_spacing_is_the_median_within_the_slices():
    data = geometry([(1, 5.0, 0.75), (2, 5.0, 0.75), (9, 5.0, 0.123456)])
    assert median_spacing(data, PLANES["coronal"]) == (2.0, 0.75)


def test_pixels_cover_most_slices_and_not_the_largest():
    sizes = np.full((100, 3), 64.0)
    sizes[0] = 1000
    data = Geometry(np.ones((100, 3)), sizes, 1)
    assert in_plane_pixels(data, PLANES["axial"], spacing=(1.0, 0.5)) == (64, 128)
    fine = geometry((0.1, 0.1, 1), size=(3, 7, 1))  # 0.3 / 0.1 is a little more than 3
    assert in_plane_pixels(fine, PLANES["axial"], spacing=(0.1, 0.1)) == (3, 7)


sides = st.integers(1, 700)
millimetres = st.floats(0.2, 5)


@settings(max_examples=40)
@given(pixels=st.tuples(sides, sides), spacing=st.tuples(millimetres, millimetres))
@pytest.mark.parametrize("name", known(IAC / "backbones"))
def test_sizes_suit_the_backbone(name, pixels, spacing):
    backbone = load_backbone(name)
    view, patch = slice_sizes(pixels, spacing=spacing, backbone=backbone)
    if name == "nnunet":
        divisor = plan_nnunet(patch, spacing=spacing).divisor
    else:
        divisor = (backbone.words["size_divisor"],) * 2
        assert max(patch) <= 320
        assert all(size >= 2 * step for size, step in zip(patch, divisor, strict=True))
    assert all(n % step == 0 for n, step in zip((*view, *patch), (*divisor, *divisor), strict=True))
    for seen, cut, wanted in zip(view, patch, pixels, strict=True):
        assert seen >= max(cut, wanted)
        assert cut >= min(wanted, 320)


@pytest.mark.parametrize(("pixels", "patch"), [((288, 288), [320, 320]), ((96, 33), [96, 40])])
def test_nnunet_gets_the_smallest_size_that_it_can_halve(pixels, patch):
    chosen = slice_sizes(pixels, spacing=(1, 1), backbone=load_backbone("nnunet"))
    assert chosen == (patch, patch)


def facts(
    *,
    classes=("liver",),
    channels=("CT",),
    plane="axial",
    pixels=(64, 64),
    filled=0.5,
    window=(-100.0, 240.0),
) -> DatasetFacts:
    return DatasetFacts(
        dataset_dir=Path("data"),
        description=DatasetDescription(classes, channels, {}),
        cases=[Case(str(n), str(n), Path("a"), Path("b")) for n in range(6)],
        geometry=geometry((1, 1, 1)),
        plane=PLANES[plane],
        spacing=(1.0, 1.0),
        pixels=pixels,
        sample=VoxelSample(5, window, filled),
    )


def value(key: str, given: DatasetFacts, backbone: str = "unet") -> object:
    choices = make_choices(given, load_backbone(backbone))
    return next(choice.value for choice in choices if choice.key == key)


@pytest.mark.parametrize(
    ("options", "flips"),
    [
        ({}, [0.5, 0.0]),
        ({"classes": ("left_kidney", "liver")}, [0.0, 0.0]),
        ({"classes": ("kidneyright",)}, [0.0, 0.0]),
        ({"plane": "coronal"}, [0.5, 0.0]),
        ({"plane": "sagittal"}, [0.0, 0.0]),
    ],
)
def test_only_left_and_right_are_mirrored_and_only_without_sided_classes(options, flips):
    assert value("flip_probabilities", facts(**options)) == flips


@pytest.mark.parametrize("filled", [0.01, 0.1, 0.3, 0.6, 0.75, 0.9, 1.0])
def test_empty_slices_become_a_quarter_at_most(filled):
    kept = value("empty_fraction", facts(filled=filled))
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
        (("CT_arterial", "ct venous"), "ScaleIntensityRanged"),
        (("MRI",), "NormalizeIntensityd"),
        (("CT", "PET"), "NormalizeIntensityd"),
        (("CBCT",), "NormalizeIntensityd"),
        (None, "NormalizeIntensityd"),
    ],
)
def test_a_window_is_for_ct_alone(channels, target):
    chosen = value("voxel_values", facts(channels=channels))
    assert chosen["_target_"] == target
    if target == "ScaleIntensityRanged":
        assert (chosen["a_min"], chosen["a_max"], chosen["clip"]) == (-100.0, 240.0, True)
    else:
        assert chosen["channel_wise"] is True


def test_ct_without_a_range_of_grey_values_is_refused():
    with pytest.raises(DatasetError, match="all grey values of the cases read are 7"):
        value("voxel_values", facts(window=(7.0, 7.0)))


@pytest.mark.parametrize(
    ("pixels", "sizes"),
    [((64, 64), {"search": 8, "train": 16}), ((300, 300), {"search": 4, "train": 8})],
)
def test_large_slices_make_small_batches(pixels, sizes):
    assert value("batch_size", facts(pixels=pixels)) == sizes


@pytest.mark.parametrize(
    ("name", "modality"),
    [("CT", "CT"), ("MRI", "MR"), ("t1gd", "MR"), ("T2 weighted", "MR"), ("PET (SUV)", "PET")],
)
def test_modality_is_told_by_the_channels_name(name, modality):
    assert modality_of(name) == modality
    assert modality_of("angiogram") == "angiogram"


def test_unlabelled_images_are_segmented_where_there_are_any(tmp_path):
    given = replace(facts(), dataset_dir=tmp_path)
    assert given.images.name == "imagesTr"
    (tmp_path / "imagesTs").mkdir()
    (tmp_path / "imagesTs" / "._a.nii.gz").touch()
    assert given.images.name == "imagesTr"
    (tmp_path / "imagesTs" / "a.nii.gz").touch()
    assert given.images.name == "imagesTs"

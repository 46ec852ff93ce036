"""The rules for a data set of one's own, one by one, and the faults that they report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iac_components.bundling.own_data.description import (
    DatasetDescription,
    modality_of,
    plain_text,
    read_description,
)
from iac_components.bundling.own_data.facts import DatasetFacts, read_facts
from iac_components.bundling.own_data.geometry import Geometry, array_axes, read_geometry
from iac_components.bundling.own_data.planes import (
    PLANES,
    choose_plane,
    in_plane_pixels,
    median_spacing,
    other_planes,
    slice_sizes,
)
from iac_components.bundling.own_data.rules import make_choices
from iac_components.bundling.own_data.sample import VoxelSample, look_into
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


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  a\n b ", "a b"),
        ("$__import__('os')", "__import__('os')"),
        ("@+$%x", "x"),
        ("see a@b.org, 5 %", "see a@b.org, 5 %"),
        ("x @##y %#z @::w", "x ##y #z ::w"),
        ("", "not stated"),
        (None, "not stated"),
        ("x" * 999, "x" * 300),
    ],
)
def test_text_cannot_become_an_expression(text, plain):
    assert plain_text(text) == plain


def describe(folder: Path, **content: object) -> DatasetDescription:
    (folder / "dataset.json").write_text(json.dumps(content))
    return read_description(folder)


@pytest.mark.parametrize(
    "labels",
    [
        {"0": "background", "2": "Spleen", "1": "The Liver"},
        {"background": 0, "Spleen": 2, "The Liver": 1},
    ],
)
@pytest.mark.parametrize("field", ["modality", "channel_names"])
def test_both_spellings_are_read(tmp_path, labels, field):
    read = describe(tmp_path, labels=labels, license="MIT", **{field: {"1": "b", "0": "a"}})
    assert read.class_names == ("the_liver", "spleen")
    assert read.channel_names == ("a", "b")
    assert read.terms == {"licence": "MIT", "release": "not stated", "reference": "not stated"}


BACKGROUND = {"0": "background"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "field 'labels'.*must be an object"),
        ({"labels": ["liver"]}, "field 'labels'.*must be an object"),
        ({"labels": BACKGROUND}, "no class beside the background"),
        ({"labels": {**BACKGROUND, "1": "a", "3": "b", "6": "c"}}, r"lacks the value\(s\) 2, 4, 5"),
        ({"labels": {"1": "a"}}, r"lacks the value\(s\) 0"),
        ({"labels": {"0": "liver", "1": "a"}}, "calls the value 0 'liver'.*must be the background"),
        ({"labels": {"background": 0, "a": 1, "b": 1}}, r"value\(s\) 1 more than one name"),
        ({"labels": {"background": 0, "whole": [1, 2], "core": 2}}, "regions"),
        ({"labels": {"background": 0, "a": True}}, "whole number"),
        ({"labels": {**BACKGROUND, "1": "A b", "2": "a-B"}}, "several values the name a_b"),
        ({"labels": {**BACKGROUND, "1": "a", "2": "ignore"}}, "'ignore', which is no class"),
        ({"labels": {**BACKGROUND, "1": "a"}, "modality": "CT"}, "field 'modality'"),
        ({"labels": {**BACKGROUND, "1": "a"}, "channel_names": {"1": "CT"}}, "'channel_names'"),
    ],
)
def test_a_wrong_description_names_its_field(tmp_path, content, message):
    with pytest.raises(DatasetError, match=f"(?s){message}"):
        describe(tmp_path, **content)


def test_all_faults_of_a_description_are_told_at_once(tmp_path):
    with pytest.raises(DatasetError) as error:
        describe(tmp_path, labels={"0": "liver", "2": "a"}, modality=[])
    assert len(error.value.faults) == 3


def save(path: Path, voxels, affine=None) -> Path:
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4) if affine is None else affine), path)
    return path


def test_headers_are_read_in_the_order_of_ras(tmp_path):
    affine = np.zeros((4, 4))
    affine[[2, 0, 1], [0, 1, 2]] = (-3, 1, -2)  # the array's axes run inferior, right, posterior
    affine[3, 3] = 1
    path = save(tmp_path / "a.nii.gz", np.zeros((4, 5, 6, 2), dtype=np.uint8), affine)
    read = read_geometry([Case("p", "a", path, None)], channel_names=None)
    assert read.spacing.tolist() == [[1, 2, 3]]
    assert read.size.tolist() == [[5, 6, 4]]
    assert read.num_channels == 2
    assert array_axes(affine) == [1, 2, 0]


def test_every_bad_header_is_named(tmp_path):
    good = np.zeros((4, 4, 4), dtype=np.uint8)
    bad = np.diag([1.0, np.nan, 1, 1])
    (tmp_path / "broken.nii.gz").write_bytes(b"no image")
    paths = [
        save(tmp_path / "good.nii.gz", good),
        save(tmp_path / "four.nii.gz", np.zeros((4, 4, 4, 4), dtype=np.uint8)),
        save(tmp_path / "flat.nii.gz", good[0]),
        tmp_path / "broken.nii.gz",
    ]
    cases = [Case(path.name, path.name, path, None) for path in paths]
    with pytest.raises(DatasetError) as error:
        read_geometry(cases, channel_names=("CT",))
    assert [Path(fault.where).name for fault in error.value.faults] == [
        "four.nii.gz",
        "flat.nii.gz",
        "broken.nii.gz",
    ]
    assert "4 channel(s)" in error.value.faults[0].problem
    assert array_axes(bad) is None
    assert array_axes(np.diag([1.0, 0, 1, 1])) is None


def sample_case(folder: Path, number: int, *, label_value: int = 1) -> Case:
    """Grey values 0 to 99 within the label, which fills slices 1 to 2 of 8 along the third axis."""
    image = np.full((10, 10, 8), 1000.0, dtype=np.float32)
    label = np.zeros(image.shape, dtype=np.uint8)
    label[:, :, 1:3] = label_value
    image[:, :, 1:3] = np.arange(100).reshape(10, 10, 1)
    name = f"case_{number:03d}"
    return Case(
        name,
        name,
        save(folder / f"{name}.nii.gz", image),
        save(folder / f"{name}_label.nii.gz", label),
    )


def test_sample_looks_within_the_labels_and_counts_filled_slices(tmp_path):
    cases = [sample_case(tmp_path, number) for number in range(3)]
    options = {"num_classes": 1, "num_channels": 1}
    sample = look_into(cases, plane=PLANES["axial"], **options)
    assert sample.filled_share == 2 / 8
    low, high = sample.window
    assert 0 <= low < 2
    assert 97 < high <= 99
    assert look_into(cases, plane=PLANES["coronal"], **options).filled_share == 1
    assert look_into(cases * 10, plane=PLANES["axial"], **options).num_cases == 20


def test_sample_reports_every_fault_of_its_files(tmp_path):
    cases = [sample_case(tmp_path, 0, label_value=5), sample_case(tmp_path, 1)]
    (tmp_path / "case_001.nii.gz").write_bytes(b"")
    with pytest.raises(DatasetError) as error:
        look_into(cases, plane=PLANES["axial"], num_classes=1, num_channels=1)
    problems = [fault.problem for fault in error.value.faults]
    assert any("unexpected label values 5" in problem for problem in problems)
    assert any("is empty" in problem for problem in problems)


def test_healthy_cases_are_looked_into_unless_there_are_no_others(tmp_path):
    healthy, other = sample_case(tmp_path, 0, label_value=0), sample_case(tmp_path, 1)
    options = {"plane": PLANES["axial"], "num_classes": 1, "num_channels": 1}
    assert look_into([healthy, other], **options).filled_share == 1 / 8
    with pytest.raises(DatasetError, match=r"None of the 1 case\(s\) .* has foreground"):
        look_into([healthy], **options)


def test_too_few_patients_are_refused(tmp_path):
    (tmp_path / "imagesTr").mkdir()
    (tmp_path / "labelsTr").mkdir()
    entries = [{"image": "imagesTr/a.nii.gz", "label": "labelsTr/a.nii.gz"}]
    for entry in entries:
        for file in entry.values():
            save(tmp_path / file, np.ones((4, 4, 4), dtype=np.uint8))
    labels = {"0": "background", "1": "a"}
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels, "training": entries}))
    with pytest.raises(DatasetError, match=r"1 patient\(s\).*at least 4"):
        read_facts(tmp_path)


def test_unlabelled_images_are_segmented_where_there_are_any(tmp_path):
    given = replace(facts(), dataset_dir=tmp_path)
    assert given.images.name == "imagesTr"
    (tmp_path / "imagesTs").mkdir()
    (tmp_path / "imagesTs" / "._a.nii.gz").touch()
    assert given.images.name == "imagesTr"
    (tmp_path / "imagesTs" / "a.nii.gz").touch()
    assert given.images.name == "imagesTs"

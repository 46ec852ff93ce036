"""Notices of data that can be used but are worth a look: told once, in one line a matter."""

from __future__ import annotations

import logging
from pathlib import Path

import nibabel
import numpy as np
import pytest
from nibabel.affines import apply_affine

from iac_components.data import DatasetError, check_datalist

SHAPE = (8, 9, 5)
AFFINE = np.diag([1.5, 1.5, 8.0, 1.0])
FAR_CORNER = np.array(SHAPE) - 1


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING)
    return lambda: [record.getMessage() for record in caplog.records]


def make_entry(
    folder: Path, case: str, *, seed: int = 0, healthy: bool = False, patient: str | None = None
) -> dict[str, str]:
    image = np.random.default_rng(seed).normal(100, 20, SHAPE).astype(np.float32)
    label = np.zeros(SHAPE, np.uint8)
    label[2:5, 2:5, 1:3] = not healthy
    entry = {key: str(folder / f"{case}_{key}.nii.gz") for key in ("image", "label")}
    for key, voxels in (("image", image), ("label", label)):
        nibabel.save(nibabel.Nifti1Image(voxels, AFFINE), entry[key])
    return {**entry, "patient": patient or case, "case": case}


def place(path: str, qform: np.ndarray, code: int = 1, sform_code: int = 1) -> None:
    """Give a file a qform of its own; the sform stays."""
    image = nibabel.load(path)
    image = nibabel.Nifti1Image(np.asarray(image.dataobj).copy(), image.affine, image.header)
    image.set_qform(qform, code)
    image.set_sform(AFFINE, sform_code)
    nibabel.save(image, path)


def turned(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ AFFINE


def shifted(distance: float) -> np.ndarray:
    return AFFINE + distance * np.diag([1.0], 3)


@pytest.mark.parametrize("qform", [shifted(3.0), turned(90), turned(5)])
def test_two_places_are_told_with_their_distance(tmp_path: Path, lines, qform) -> None:
    entry = make_entry(tmp_path, "a")
    place(entry["image"], qform)
    check_datalist([entry, make_entry(tmp_path, "b", seed=1)], labels=[1])
    corners = [np.array(corner) for corner in np.ndindex(2, 2, 2)] * FAR_CORNER
    distance = np.linalg.norm(
        apply_affine(qform, corners) - apply_affine(AFFINE, corners), axis=1
    ).max()
    (line,) = lines()
    assert "1 file(s) lie elsewhere by their qform than by their sform, which is used" in line
    assert f"{entry['image']} (up to {distance:.3g} mm)" in line
    image = nibabel.load(entry["image"])
    assert np.allclose(image.affine, AFFINE)


@pytest.mark.parametrize(
    ("qform", "code", "sform_code"),
    [(shifted(0.09), 1, 1), (shifted(30), 0, 1), (shifted(30), 1, 0), (AFFINE, 1, 1)],
)
def test_one_place_is_no_matter(tmp_path: Path, lines, qform, code, sform_code) -> None:
    entry = make_entry(tmp_path, "a")
    for key in ("image", "label"):
        place(entry[key], qform, code, sform_code)
    check_datalist([entry], labels=[1])
    assert lines() == []


def test_many_files_are_one_line_in_inference_too(tmp_path: Path, lines) -> None:
    entries = [make_entry(tmp_path, f"c{number}", seed=number) for number in range(6)]
    for entry in entries:
        place(entry["image"], shifted(10.0 + int(entry["case"][1])))
    check_datalist([{"image": entry["image"]} for entry in entries], labels=[1])
    (line,) = lines()
    assert line.startswith("Datalist of 6 case(s): 6 file(s) lie elsewhere")
    assert "(up to 10 mm)" in line
    assert "(up to 12 mm) and 3 more. " in line
    assert "13 mm" not in line


def test_a_qform_that_is_no_rotation(tmp_path: Path, lines) -> None:
    entry = make_entry(tmp_path, "a")
    place(entry["image"], AFFINE)
    image = nibabel.load(entry["image"])
    image = nibabel.Nifti1Image(np.asarray(image.dataobj).copy(), AFFINE, image.header)
    image.header["quatern_b"] = 3.0
    raw = bytearray(image.to_bytes())
    raw[252:256] = b"\x01\x00\x01\x00"
    raw[256:260] = np.float32(3.0).tobytes()
    plain = Path(entry["image"]).with_name("plain.nii")
    plain.write_bytes(bytes(raw))
    check_datalist([{**entry, "image": str(plain)}], labels=[1])
    assert "plain.nii (its qform is no rotation)" in lines()[0]


def test_voxel_sizes_beside_an_sform_are_told(tmp_path: Path, lines) -> None:
    entry = make_entry(tmp_path, "a")
    image = nibabel.load(entry["image"])
    image = nibabel.Nifti1Image(np.asarray(image.dataobj).copy(), AFFINE, image.header)
    image.set_qform(None, 0)
    image.header["pixdim"][1:4] = (1.5, 1.5, 1.0)
    nibabel.save(image, entry["image"])
    check_datalist([entry], labels=[1])
    (line,) = lines()
    assert "1 file(s) state other voxel sizes (pixdim) than their sform" in line
    assert f"{entry['image']} (1.5 x 1.5 x 1 mm instead of 1.5 x 1.5 x 8 mm)" in line


def test_healthy_cases_are_counted(tmp_path: Path, lines) -> None:
    entries = [
        make_entry(tmp_path, name, seed=number, healthy=name in "bc")
        for number, name in enumerate("abcd")
    ]
    check_datalist(entries, labels=[1])
    (line,) = lines()
    assert "2 label map(s) hold background only and count as healthy cases" in line
    assert entries[1]["label"] in line
    assert entries[2]["label"] in line


def test_a_part_of_healthy_cases_alone_is_told(tmp_path: Path, lines) -> None:
    parts = {
        "train": [make_entry(tmp_path, "a", healthy=True), make_entry(tmp_path, "b", seed=1)],
        "test": [make_entry(tmp_path, "c", seed=2, healthy=True)],
    }
    check_datalist(parts, labels=[1])
    assert len(lines()) == 2
    assert "1 part(s) have no foreground in any label map: test (1 case(s))" in lines()[1]
    check_datalist(parts["train"][:1], labels=[1])
    assert "the datalist (1 case(s)). There is nothing to learn" in lines()[3]


def test_rounded_background_is_healthy(tmp_path: Path, lines) -> None:
    entry = make_entry(tmp_path, "a", healthy=True)
    label = np.full(SHAPE, 1e-7, np.float32)
    nibabel.save(nibabel.Nifti1Image(label, AFFINE), entry["label"])
    check_datalist([entry, make_entry(tmp_path, "b", seed=1)], labels=[1])
    assert "1 label map(s) hold background only" in lines()[0]


def test_copies_of_an_image_are_told_if_they_are_of_two_patients(tmp_path: Path, lines) -> None:
    first = make_entry(tmp_path, "a")
    # Written on another day, and with another header.
    second = make_entry(tmp_path, "b")
    place(second["image"], AFFINE)
    same_patient = make_entry(tmp_path, "c", patient="a")
    check_datalist({"train": [first, same_patient], "test": [second]}, labels=[1])
    (line,) = lines()
    assert "1 image(s) have the same voxels as another patient's" in line
    assert f"{second['image']} = {first['image']}" in line
    assert "training and in the test part" in line


def test_copies_without_patients_are_told_in_training_alone(tmp_path: Path, lines) -> None:
    keys = ("image", "label")
    entries = [{key: make_entry(tmp_path, name)[key] for key in keys} for name in "ab"]
    check_datalist([{"image": entry["image"]} for entry in entries], labels=[1])
    assert lines() == []
    check_datalist(entries, labels=[1])
    assert "have the same voxels" in lines()[0]


def test_parts_are_one_list_of_faults(tmp_path: Path) -> None:
    parts = {name: [make_entry(tmp_path, name)] for name in ("train", "test")}
    for part in parts.values():
        Path(part[0]["label"]).write_bytes(b"")
    with pytest.raises(DatasetError) as caught:
        check_datalist(parts, labels=[1])
    assert [fault.where for fault in caught.value.faults] == [
        part[0]["label"] for part in parts.values()
    ]
    with pytest.raises(DatasetError, match="no entry"):
        check_datalist({"train": [], "test": []}, labels=[1])


def test_two_images_of_one_case_name_are_both_named(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    first, second = make_entry(tmp_path, "a"), make_entry(tmp_path / "more", "a", seed=1)
    with pytest.raises(DatasetError, match="has the same case name, 'a', as") as caught:
        check_datalist({"train": [first], "test": [{**second, "patient": "b"}]}, labels=[1])
    assert caught.value.faults[0].where == second["image"]
    assert first["image"] in caught.value.faults[0].problem


def sized(folder: Path, spacing: tuple[float, ...], unit: str | None) -> dict[str, str]:
    """An image alone, of that voxel size."""
    image = nibabel.load(make_entry(folder, "a")["image"])
    image = nibabel.Nifti1Image(np.asarray(image.dataobj).copy(), np.diag([*spacing, 1.0]))
    if unit:
        image.header.set_xyzt_units(unit)
    nibabel.save(image, folder / "sized.nii.gz")
    return {"image": str(folder / "sized.nii.gz")}


@pytest.mark.parametrize(
    ("spacing", "unit", "message"),
    [
        ((0.001, 0.001, 0.003), "meter", "0.001 x 0.001 x 0.003 metre .*times 1000"),
        ((1.0, 1.0, 3.0), "meter", "1 x 1 x 3 metre .*correct the unit if they are mm already"),
        ((1000.0, 1000.0, 3000.0), "micron", "1000 x 1000 x 3000 micron .*times 0.001"),
        ((30.0, 30.0, 30.0), "micron", "30 x 30 x 30 micron"),
        ((0.001, 0.001, 0.003), None, "0.001 x 0.001 x 0.003 mm, outside 0.01 to 50 mm"),
        ((1000.0, 1000.0, 3000.0), "mm", "outside 0.01 to 50 mm.*--voxel_size_range"),
        ((1.0, 1.0, 51.0), "unknown", "1 x 1 x 51 mm, outside"),
        ((0.0099, 1.0, 1.0), None, "0.0099 x 1 x 1 mm, outside"),
    ],
)
def test_sizes_of_another_unit_are_refused(
    tmp_path: Path, spacing: tuple[float, ...], unit: str | None, message: str
) -> None:
    entry = sized(tmp_path, spacing, unit)
    with pytest.raises(DatasetError, match=message) as caught:
        check_datalist([entry], labels=[1])
    assert [fault.where for fault in caught.value.faults] == [entry["image"]]
    check_datalist([entry], labels=[1], voxel_size_range=None)


@pytest.mark.parametrize(
    ("spacing", "unit", "limits"),
    [
        ((0.01, 0.01, 50.0), None, (0.01, 50.0)),
        ((0.7, 0.7, 5.0), "mm", (0.01, 50.0)),
        ((0.002, 0.002, 0.002), None, (0.001, 50.0)),
        ((1.0, 1.0, 100.0), "mm", [0.0, 1000.0]),
    ],
)
def test_plausible_sizes_pass(
    tmp_path: Path, spacing: tuple[float, ...], unit: str | None, limits: tuple[float, float]
) -> None:
    entry = sized(tmp_path, spacing, unit)
    check_datalist([entry], labels=[1], voxel_size_range=limits)


@pytest.mark.parametrize(
    "limits", [(1.0,), (2.0, 1.0), (-1.0, 1.0), (float("nan"), 1.0), (), "ab", 5, ("a", "b")]
)
def test_senseless_limits_are_refused(tmp_path: Path, limits: object) -> None:
    with pytest.raises(ValueError, match="voxel_size_range is"):
        check_datalist([make_entry(tmp_path, "a")], labels=[1], voxel_size_range=limits)

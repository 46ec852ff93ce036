"""Label maps lie where their image lies, by each of its transforms."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import SaveImaged

from iac_components.data import CaseNames, SaveImageLikeInputd, write_label_map

SIZE = (5, 4, 3)


def turned(angle: float, shift: float) -> np.ndarray:
    """An oblique affine with voxels of 2, 1 and 5 mm, first axis to the left."""
    affine = np.diag([-2.0, 1.0, 5.0, 1.0])
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = turn @ affine
    affine[:3, 3] = (shift, -3.5, 20.25)
    return affine


def save(
    path: Path,
    shape: tuple[int, ...] = SIZE,
    kind: type[nibabel.Nifti1Image] = nibabel.Nifti1Image,
    endian: str = "<",
    qform: tuple[np.ndarray | None, int] = (turned(0.3, 40.0), 1),
    sform: tuple[np.ndarray | None, int] = (turned(0.0, -7.0), 4),
) -> nibabel.Nifti1Image:
    """An image whose transforms disagree, with all that a label map must not take over."""
    values = np.random.default_rng(0).integers(0, 900, shape).astype(np.float64)
    image = kind(values, None, header=kind.header_class(endianness=endian))
    image.header.set_zooms([2.0, 1.0, 5.0, 1.5, 1.0][: len(shape)])
    image.set_qform(qform[0], code=qform[1])
    image.set_sform(sform[0], code=sform[1])
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_intent("z score", name="stat")
    image.header["cal_max"] = 55
    image.set_data_dtype(np.int16)
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"a name"))
    nibabel.save(image, path)
    return nibabel.load(path)


def world(voxel: tuple[int, int, int], matrix: np.ndarray) -> np.ndarray:
    return matrix @ (*voxel, 1)


def written(folder: Path, source: Path, voxels: np.ndarray) -> nibabel.Nifti1Image:
    write_label_map(folder / "seg.nii.gz", voxels, source=source, dtype=np.dtype(np.uint8))
    return nibabel.load(folder / "seg.nii.gz")


def labels(size: tuple[int, int, int] = SIZE) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 3, size).astype(np.float32)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"endian": ">"},
        {"kind": nibabel.Nifti2Image},
        {"sform": (None, 0)},
        {"qform": (None, 0)},
        {"sform": (None, 0), "qform": (None, 0)},
        {"shape": (*SIZE, 1)},
        {"shape": (5, 4, 1, 1)},
        {"shape": (5, 4, 1)},
        {"shape": (5, 1, 3)},
        {"shape": (1, 4, 3)},
    ],
    ids=str,
)
def test_place_units_and_number_of_axes_are_those_of_the_image(tmp_path: Path, options) -> None:
    source = save(tmp_path / "in.nii.gz", **options)
    expected = labels(source.shape[:3])
    label = written(tmp_path, tmp_path / "in.nii.gz", expected)
    assert label.shape == source.shape
    assert type(label) is type(source)
    np.testing.assert_array_equal(np.asarray(label.dataobj).reshape(expected.shape), expected)
    last = tuple(n - 1 for n in source.shape[:3])
    for name in ("get_qform", "get_sform"):
        ours, theirs = (getattr(image, name)(coded=True) for image in (label, source))
        assert ours[1] == theirs[1]
        if theirs[0] is not None:
            assert np.array_equal(ours[0], theirs[0])
            assert np.array_equal(world(last, ours[0]), world(last, theirs[0]))
    np.testing.assert_array_equal(label.affine, source.affine)
    assert label.header.get_xyzt_units() == ("mm", "sec")
    assert label.header.get_zooms() == source.header.get_zooms()


def test_nothing_else_is_taken_over(tmp_path: Path) -> None:
    source = save(tmp_path / "in.nii.gz")
    assert source.dataobj.slope != 1
    label = written(tmp_path, tmp_path / "in.nii.gz", labels())
    assert label.get_data_dtype() == np.uint8
    assert (label.dataobj.slope, label.dataobj.inter) == (1, 0)
    assert label.header.get_intent()[0] == "none"
    assert not label.header.extensions
    assert label.header["cal_max"] == 0


def test_channels_of_the_image_do_not_come_back(tmp_path: Path) -> None:
    save(tmp_path / "in.nii.gz", shape=(*SIZE, 2))
    assert written(tmp_path, tmp_path / "in.nii.gz", labels()).shape == SIZE


@pytest.mark.parametrize(
    ("voxels", "message"),
    [
        (labels((4, 5, 3)), r"\(4, 5, 3\) voxels, but '.*in\.nii\.gz' has \(5, 4, 3\)"),
        (labels() + 300, "300 to 302 do not fit uint8"),
        (labels() + 0.5, "do not fit uint8"),
    ],
)
def test_wrong_label_maps_are_refused_and_nothing_is_left(
    tmp_path: Path, voxels: np.ndarray, message: str
) -> None:
    save(tmp_path / "in.nii.gz")
    with pytest.raises(ValueError, match=message):
        written(tmp_path, tmp_path / "in.nii.gz", voxels)
    assert [path.name for path in tmp_path.iterdir()] == ["in.nii.gz"]


def test_image_that_vanished_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"gone\.nii' cannot be read any more"):
        written(tmp_path, tmp_path / "gone.nii", labels())


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch) -> None:
    save(tmp_path / "in.nii.gz")
    before = np.asarray(written(tmp_path, tmp_path / "in.nii.gz", labels()).dataobj)

    def half(image: nibabel.Nifti1Image, path: Path) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(nibabel, "save", half)
    with pytest.raises(OSError, match=r"seg\.nii\.gz.*No space left"):
        written(tmp_path, tmp_path / "in.nii.gz", 2 - labels())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.nii.gz", "seg.nii.gz"]
    np.testing.assert_array_equal(nibabel.load(tmp_path / "seg.nii.gz").dataobj, before)


class TestTransform:
    def saver(self, folder: Path, **options: object) -> SaveImageLikeInputd:
        return SaveImageLikeInputd("pred", output_dir=folder / "out", **options)

    def item(self, source: Path) -> dict[str, MetaTensor]:
        return {
            "pred": MetaTensor(
                torch.from_numpy(labels())[None], meta={"filename_or_obj": str(source)}
            )
        }

    def test_file_is_named_after_the_case(self, tmp_path: Path) -> None:
        source = save(tmp_path / "case_0000.nii.gz")
        item = self.item(tmp_path / "case_0000.nii.gz")
        assert self.saver(tmp_path, output_name_formatter=CaseNames(2))(item) == item
        (path,) = (tmp_path / "out").iterdir()
        assert path.name == "case_seg.nii.gz"
        np.testing.assert_array_equal(nibabel.load(path).get_qform(), source.get_qform())

    @pytest.mark.parametrize(
        ("options", "name", "dtype"),
        [
            ({"output_ext": ".nii", "output_postfix": "mask"}, "case_mask.nii", "uint8"),
            ({"separate_folder": True, "output_dtype": "int16"}, "case/case_seg.nii.gz", "int16"),
        ],
    )
    def test_name_and_type_are_chosen(self, tmp_path: Path, options, name, dtype) -> None:
        save(tmp_path / "case.nii.gz")
        self.saver(tmp_path, **options)(self.item(tmp_path / "case.nii.gz"))
        assert nibabel.load(tmp_path / "out" / name).get_data_dtype() == dtype

    def test_another_format_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"output_ext is '.png', it must be .nii.gz or .nii"):
            self.saver(tmp_path, output_ext=".png")

    def test_label_and_deploy_know_it_for_a_saver(self, tmp_path: Path) -> None:
        saver = self.saver(tmp_path)
        assert isinstance(saver, SaveImaged)
        assert "SaveImage" in type(saver).__name__

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (torch.zeros(1, *SIZE), "does not know its image's file"),
            (MetaTensor(torch.zeros(1, *SIZE)), "does not know its image's file"),
            (
                MetaTensor(torch.zeros(2, *SIZE), meta={"filename_or_obj": "x.nii"}),
                r"'pred' has shape \(2, 5, 4, 3\), not \(1, \*S\)",
            ),
        ],
    )
    def test_what_is_no_label_map_of_an_image_is_refused(self, tmp_path, value, message) -> None:
        with pytest.raises(ValueError, match=message):
            self.saver(tmp_path)({"pred": value})

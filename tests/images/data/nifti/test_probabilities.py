"""Probabilities lie beside the label map that is made of them, as plain arrays."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import SaveImaged
from PIL import Image

from iac_components.data import SaveImageLikeInputd, SaveImageProbabilitiesd
from iac_components.data.nifti.probabilities import probabilities_shape, read_probabilities

SIZE = (5, 4, 3)


def softmax(seed: int = 0, size: tuple[int, ...] = SIZE) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, *size, generator=generator).softmax(dim=0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "case.b.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.zeros(SIZE, dtype=np.int16), np.eye(4)), path)
    return path


def item(source: Path, values: torch.Tensor) -> dict[str, MetaTensor]:
    return {"pred": MetaTensor(values, meta={"filename_or_obj": str(source)})}


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ("case.b_seg.npz", "case.b_seg.nii.gz")),
        ({"output_ext": ".nii", "output_postfix": "m"}, ("case.b_m.npz", "case.b_m.nii")),
        ({"separate_folder": True}, ("case.b/case.b_seg.npz", "case.b/case.b_seg.nii.gz")),
    ],
)
def test_file_lies_beside_the_label_map(tmp_path, source, options, names) -> None:
    out = tmp_path / "out"
    probabilities = item(source, softmax())
    assert SaveImageProbabilitiesd("pred", output_dir=out, **options)(probabilities)
    labels = item(source, softmax().argmax(dim=0, keepdim=True))
    SaveImageLikeInputd("pred", output_dir=out, **options)(labels)
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert found == sorted(names)


def test_what_is_read_is_what_was_written_without_pickles(tmp_path, source) -> None:
    SaveImageProbabilitiesd("pred", output_dir=tmp_path)(item(source, softmax()))
    path = tmp_path / "case.b_seg.npz"
    with np.load(path, allow_pickle=False) as archive:
        assert archive.files == ["probabilities"]
        assert archive["probabilities"].dtype == np.float32
        np.testing.assert_array_equal(archive["probabilities"], softmax().numpy())
    assert probabilities_shape(path) == (3, *SIZE)
    np.testing.assert_array_equal(read_probabilities(path), softmax().numpy())


def test_half_precision_is_kept_as_single(tmp_path, source) -> None:
    SaveImageProbabilitiesd("pred", output_dir=tmp_path)(item(source, softmax().bfloat16()))
    values = read_probabilities(tmp_path / "case.b_seg.npz")
    np.testing.assert_array_equal(values, softmax().bfloat16().float().numpy())


def test_a_picture_has_its_probabilities_beside_its_png(tmp_path) -> None:
    source = tmp_path / "cell.png"
    Image.fromarray(np.zeros((6, 4), dtype=np.uint8)).save(source)
    out = tmp_path / "out"
    values = softmax(size=(4, 6, 1))
    SaveImageProbabilitiesd("pred", output_dir=out)(item(source, values))
    SaveImageLikeInputd("pred", output_dir=out)(item(source, values.argmax(dim=0, keepdim=True)))
    assert sorted(path.name for path in out.iterdir()) == ["cell_seg.npz", "cell_seg.png"]


def test_clients_know_it_for_a_saver(tmp_path) -> None:
    saver = SaveImageProbabilitiesd("pred", output_dir=tmp_path)
    assert isinstance(saver, SaveImaged)
    assert "SaveImage" in type(saver).__name__


def test_a_label_map_is_refused(tmp_path, source) -> None:
    saver = SaveImageProbabilitiesd("pred", output_dir=tmp_path / "out")
    with pytest.raises(ValueError, match=r"'pred' has shape \(1, 5, 4, 3\).*before AsDiscreted"):
        saver(item(source, softmax().argmax(dim=0, keepdim=True)))
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path, source, monkeypatch) -> None:
    saver = SaveImageProbabilitiesd("pred", output_dir=tmp_path / "out")
    saver(item(source, softmax()))

    def full(stream, **arrays) -> None:
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match=r"case\.b_seg\.npz.*No space left"):
        saver(item(source, softmax(1)))
    (path,) = (tmp_path / "out").iterdir()
    np.testing.assert_array_equal(read_probabilities(path), softmax().numpy())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((3, 4, 1, 1), dtype=np.int64), "holds int64 values of shape"),
        (np.zeros((1, 4, 1, 1)), r"shape \(1, 4, 1, 1\), not probabilities"),
        (np.zeros((3, 4, 1)), r"shape \(3, 4, 1\), not probabilities"),
        (np.array([None]), "holds object values"),
    ],
)
def test_arrays_that_are_no_probabilities(tmp_path, values, message) -> None:
    np.savez(tmp_path / "x.npz", probabilities=values)
    with pytest.raises(ValueError, match=message):
        read_probabilities(tmp_path / "x.npz")


def test_damaged_values_are_named(tmp_path) -> None:
    path = tmp_path / "x.npz"
    np.savez_compressed(path, probabilities=np.random.default_rng(0).random((2, 9, 9, 9)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"x\.npz' is damaged"):
        read_probabilities(path)

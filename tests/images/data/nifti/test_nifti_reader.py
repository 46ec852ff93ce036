from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from monai.transforms import LoadImage
from nibabel.affines import apply_affine

from iac_components.data import NiftiReader
from iac_components.data.datasets.fingerprint import transform_fingerprint
from iac_components.data.nifti.volume_file import Volume, read_volume

VOXELS = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
SFORM = np.array([[0, 2.0, 0, -7], [-1.5, 0, 0, 11], [0, 0, 3.0, 5], [0, 0, 0, 1]])
QFORM = np.diag([1.5, 2.0, 3.0, 1.0])

load = LoadImage(reader=NiftiReader)


def write(path: Path, *, sform: int = 1, qform: int = 0, pixdim: float | None = None) -> None:
    """Write a file whose sform and qform differ, with these codes."""
    image = nibabel.Nifti1Image(VOXELS, SFORM)
    image.set_qform(QFORM, qform)
    image.set_sform(SFORM, sform)
    if pixdim is not None:
        image.header["pixdim"][1:4] = pixdim
    plain = path.with_name("plain.nii.gz" if path.name.lower().endswith("gz") else "plain.nii")
    nibabel.save(image, plain)
    plain.rename(path)


@pytest.mark.parametrize("name", ["a.nii", "a.NII", "a.Nii", "a.nii.gz", "a.NII.GZ", "a.Nii.Gz"])
def test_files_of_any_spelling_lie_where_they_say(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    image = load(tmp_path / name)
    corner = np.array([2, 3, 4])
    assert image[tuple(corner)] == VOXELS[tuple(corner)]
    assert np.allclose(
        apply_affine(image.affine.numpy(), corner), apply_affine(SFORM, corner), atol=1e-5
    )


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        # MONAI's reader takes the qform without a code for these.
        ({"sform": 1, "qform": 0, "pixdim": 1.0}, SFORM),
        ({"sform": 2, "qform": 1, "pixdim": 1.0}, SFORM),
        ({"sform": 1, "qform": 1}, SFORM),
        ({"sform": 0, "qform": 1}, QFORM),
    ],
)
def test_the_place_is_that_of_the_checks(
    tmp_path: Path, codes: dict[str, int], expected: np.ndarray
) -> None:
    write(tmp_path / "a.nii.gz", **codes)
    image, volume = load(tmp_path / "a.nii.gz"), read_volume(str(tmp_path / "a.nii.gz"))
    assert isinstance(volume, Volume)
    for affine in (image.affine, image.meta["original_affine"], volume.affine):
        assert np.allclose(np.asarray(affine), expected, atol=1e-5)


def test_several_files_are_channels_and_others_are_nibabels(tmp_path: Path) -> None:
    for name in ("a.nii", "b.Nii.Gz"):
        write(tmp_path / name)
    assert load([tmp_path / "a.nii", tmp_path / "b.Nii.Gz"]).shape == (2, 3, 4, 5)
    nibabel.save(nibabel.MGHImage(VOXELS.astype(np.float32), SFORM), tmp_path / "c.mgz")
    assert load(tmp_path / "c.mgz").shape == (3, 4, 5)


def test_a_cache_can_describe_it(tmp_path: Path) -> None:
    used = LoadImage(reader=NiftiReader)
    write(tmp_path / "a.nii")
    used(tmp_path / "a.nii")
    assert transform_fingerprint(used) == transform_fingerprint(LoadImage(reader=NiftiReader))
    assert transform_fingerprint(used) != transform_fingerprint(LoadImage())

"""Pictures, planes and scanner formats become volumes; what cannot be read says what to do."""

from __future__ import annotations

import importlib.util

import nibabel
import numpy as np
import pytest
from monai.transforms import LoadImaged
from PIL import Image

from iac_components.data import NiftiReader, check_datalist, write_label_map
from iac_components.data.faults import DatasetError, Fault, UnreadableVolumeError
from iac_components.data.formats import as_nifti, scanner_files
from iac_components.data.nifti.volume_file import read_volume

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


def put(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return str(path)


@pytest.mark.parametrize("ending", ["png", "tif", "bmp"])
def test_a_grey_picture_is_a_volume_of_one_slice(tmp_path, ending):
    path = put(tmp_path / f"a.{ending}", PIXELS)
    volume = read_volume(path)
    assert volume.data.shape == (4, 3, 1)
    assert (volume.data[..., 0] == PIXELS.T).all()
    loaded = LoadImaged("image", reader=NiftiReader, image_only=True)({"image": path})["image"]
    assert loaded.shape == (4, 3, 1)
    assert (loaded[..., 0].numpy() == PIXELS.T).all()


def test_colours_are_channels_and_an_opaque_alpha_is_none(tmp_path):
    colours = np.stack([PIXELS, PIXELS + 20, PIXELS + 40], axis=-1)
    opaque = np.concatenate([colours, np.full((3, 4, 1), 255, np.uint8)], axis=-1)
    for pixels in (colours, opaque):
        volume = read_volume(put(tmp_path / "a.png", pixels))
        assert volume.data.shape == (4, 3, 1, 3)
        assert (volume.data[:, :, 0, 2] == (PIXELS + 40).T).all()
    opaque[0, 0, 3] = 7
    fault = read_volume(put(tmp_path / "a.png", opaque))
    assert isinstance(fault, Fault)
    assert fault.remedy == "Save it without an alpha channel."


def test_sixteen_bits_palettes_and_pages_keep_their_numbers(tmp_path):
    deep = PIXELS.astype(np.uint16) * 1000
    assert (read_volume(put(tmp_path / "a.png", deep)).data[..., 0] == deep.T).all()
    palette = Image.new("P", (4, 3))
    palette.putpalette([value for value in range(256) for _ in range(3)][::-1])
    palette.putdata(PIXELS.ravel().tolist())
    palette.save(tmp_path / "p.png")
    assert (read_volume(str(tmp_path / "p.png")).data[..., 0] == PIXELS.T).all()
    pages = [Image.fromarray(PIXELS + page) for page in range(3)]
    pages[0].save(tmp_path / "s.tif", save_all=True, append_images=pages[1:])
    stack = read_volume(str(tmp_path / "s.tif")).data
    assert stack.shape == (4, 3, 3)
    assert (stack[..., 2] == (PIXELS + 2).T).all()


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (b"no picture at all", "Save it as PNG"),
        (None, "it is damaged"),
        (b"", "Download this file again"),
    ],
)
def test_a_picture_that_cannot_be_read_says_what_to_do(tmp_path, content, remedy):
    path = tmp_path / "a.png"
    random = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    put(path, random)
    path.write_bytes(path.read_bytes()[:900] if content is None else content)
    fault = read_volume(str(path))
    assert isinstance(fault, Fault)
    assert remedy in fault.remedy


def test_labels_in_jpeg_are_refused_with_their_own_remedy(tmp_path):
    mask = np.zeros((40, 40), np.uint8)
    mask[5:17, 9:30] = 1
    image = put(tmp_path / "i.png", np.arange(1600, dtype=np.uint16).reshape(40, 40).astype("u1"))
    label = put(tmp_path / "l.jpg", mask * 200)
    with pytest.raises(DatasetError, match=r"JPEG changes label values.*Save .* as PNG"):
        check_datalist([{"image": image, "label": label}], labels=[1])


@pytest.mark.parametrize("thickness", [0.0, 2.5])
def test_a_nifti_of_two_axes_is_a_volume_of_one_slice(tmp_path, thickness):
    affine = np.diag([0.5, 0.7, thickness, 1])
    path = str(tmp_path / "a.nii.gz")
    header = nibabel.Nifti1Header()
    header.set_sform(affine, 1)
    nibabel.save(nibabel.Nifti1Image(PIXELS.astype(np.int16), None, header), path)
    volume = read_volume(path)
    assert volume.data.shape == (3, 4, 1)
    sizes = np.linalg.norm(volume.affine[:3, :3], axis=0)
    assert sizes == pytest.approx([0.5, 0.7, thickness or 1.0])
    loaded = LoadImaged("image", reader=NiftiReader, image_only=True)({"image": path})["image"]
    assert loaded.shape == (3, 4, 1)
    assert np.allclose(loaded.affine, volume.affine)


def test_the_label_map_of_a_picture_is_a_picture(tmp_path):
    source = put(tmp_path / "a.jpg", PIXELS)
    target = tmp_path / "a_seg.png"
    label = (np.arange(12).reshape(4, 3, 1) % 3).astype(np.int64)
    write_label_map(target, label, source=source, dtype=np.dtype(np.uint8))
    assert (np.asarray(Image.open(target)) == label[..., 0].T).all()
    assert (read_volume(str(target)).data == label).all()


@pytest.mark.parametrize(
    ("name", "package"), [("a.mha", "itk"), ("a.nrrd", "pynrrd"), ("a.dcm", "pydicom")]
)
def test_a_missing_package_is_named_in_one_line(tmp_path, monkeypatch, name, package):
    monkeypatch.setattr(scanner_files.importlib.util, "find_spec", lambda _: None)
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(UnreadableVolumeError, match=f"needs the package '{package}'") as caught:
        as_nifti(str(tmp_path / name))
    assert f"pip install {package}" in caught.value.remedy
    fault = read_volume(str(tmp_path / name))
    assert isinstance(fault, Fault)
    assert "\n" not in fault.problem


def test_a_folder_of_dicom_is_one_image_and_any_other_is_none(tmp_path):
    series = tmp_path / "case"
    series.mkdir()
    (series / "I0001").write_bytes(b"\0" * 128 + b"DICM")
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("nothing")
    assert "is a folder" in read_volume(str(other)).problem
    problem = read_volume(str(series)).problem
    assert "is a folder" not in problem
    if importlib.util.find_spec("pydicom") is None and importlib.util.find_spec("itk") is None:
        assert "needs the package 'pydicom'" in problem


def test_scanner_files_are_placed_as_their_reader_says(tmp_path, monkeypatch):
    """A reader of MONAI's is stood in for: the packages are optional."""
    voxels = np.arange(24).reshape(2, 3, 4)
    affine = np.diag([2.0, 3, 4, 1])

    class Reader:
        def __init__(self, affine_lps_to_ras):
            assert affine_lps_to_ras

        def read(self, path):
            return path

        def get_data(self, _):
            return voxels, {"affine": affine, "spatial_shape": np.array(voxels.shape)}

    monkeypatch.setattr(scanner_files.importlib.util, "find_spec", lambda name: name == "itk")
    monkeypatch.setitem(scanner_files._READERS, "itk", Reader)
    (tmp_path / "a.mha").write_bytes(b"x")
    volume = read_volume(str(tmp_path / "a.mha"))
    assert (volume.data == voxels).all()
    assert np.allclose(volume.affine, affine)

"""Label maps in the input's own space, whatever way round and however named the input is."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.inferers import sliding_window_inference
from odd_images import ODD_NAME, ORIENTATIONS, turned, write_odd_images

from iac_components.networks import load_state


def voxels(path: Path) -> np.ndarray:
    return np.asarray(nibabel.load(path).dataobj)


@pytest.fixture(scope="module")
def source(hippocampus_chain) -> nibabel.Nifti1Image:
    """A test image of unequal sides in RAS."""
    image = nibabel.load(hippocampus_chain.part("test")[0]["image"])
    affine = image.affine.copy()
    affine[:3, 3] = (-12.5, 30.25, 7.0)
    return nibabel.Nifti1Image(np.asarray(image.dataobj)[:19, :22, :13], affine)


@pytest.fixture(scope="module")
def checkpoint(hippocampus_chain, source) -> Path:
    """Weights whose label maps show all classes; two steps of training leave one."""
    chain = hippocampus_chain
    _ = chain.cells
    state = load_state(chain.ckpt)
    network = chain.cells.parser.get_parsed_content("network_def").cpu()
    network.load_state_dict(state)
    network.eval()
    with torch.no_grad():
        logits = network(padded(source))
    bias = [key for key, value in state.items() if value.shape == (3,)][-1]
    state[bias] = state[bias] - logits.median(dim=0).values.flatten(1).median(dim=1).values
    path = chain.root / "lively.pt"
    torch.save({"model": state}, path)
    return path


def normalised(volume: torch.Tensor) -> torch.Tensor:
    """Mean 0 and standard deviation 1 over what is not zero; zeros stay."""
    inside = volume[volume != 0]
    return torch.where(volume != 0, (volume - inside.mean()) / inside.std(correction=0), volume)


def padded(image: nibabel.Nifti1Image) -> torch.Tensor:
    """The network's input of an RAS image of 1 mm: slices (Z, 1, 32, 32)."""
    volume = normalised(torch.from_numpy(np.asarray(image.dataobj).astype(np.float32)))
    left = [(32 - size) // 2 for size in volume.shape[:2]]
    right = [32 - size - low for size, low in zip(volume.shape[:2], left, strict=True)]
    slices = volume.permute(2, 0, 1)[:, None]
    return torch.nn.functional.pad(slices, (left[1], right[1], left[0], right[0]))


def cropped(slices: torch.Tensor, shape: tuple[int, int, int]) -> np.ndarray:
    """Undo the padding: label slices (Z, 32, 32) to a volume."""
    left = [(32 - size) // 2 for size in shape[:2]]
    box = slices[:, left[0] : left[0] + shape[0], left[1] : left[1] + shape[1]]
    return box.permute(1, 2, 0).numpy()


@pytest.fixture(scope="module")
def images(source, tmp_path_factory) -> Path:
    """A folder of odd but sound images."""
    folder = tmp_path_factory.mktemp("bilder_ü")
    write_odd_images(source, folder)
    return folder


@pytest.fixture(scope="module")
def results(hippocampus_chain, checkpoint, images) -> Path:
    output = hippocampus_chain.root / "results_ü"
    return hippocampus_chain.infer(images, output, checkpoint=str(checkpoint))


def result_of(results: Path, case: str) -> Path:
    return results / f"{case}_seg.nii.gz"


SLICES = ["slice_0", "slice_1", "slice_2", "slice_of_four_axes"]
PLACES = ["two_places", "qform_alone", "no_codes"]
CASES = [
    *(*ORIENTATIONS, "plain", ODD_NAME, "thick", "oblique", "scaled"),
    *(*SLICES, *PLACES, "second_version", "tiled"),
]


def test_there_is_one_file_for_each_image(results):
    assert sorted(path.name for path in results.rglob("*")) == sorted(
        f"{case}_seg.nii.gz" for case in CASES
    )


@pytest.mark.parametrize("case", CASES)
def test_label_map_is_in_the_space_of_its_image(results, images, case):
    (path,) = [p for p in images.iterdir() if p.name in (f"{case}.nii", f"{case}.nii.gz")]
    image, label = nibabel.load(path), nibabel.load(result_of(results, case))
    assert label.shape == image.shape
    np.testing.assert_allclose(label.affine, image.affine, atol=1e-5)
    assert nibabel.aff2axcodes(label.affine) == nibabel.aff2axcodes(image.affine)
    # A voxel's place in the world, by either transform of the file.
    far = (*(n - 1 for n in image.shape[:3]), 1)
    for name in ("get_qform", "get_sform"):
        (ours, our_code), (theirs, code) = (getattr(i, name)(coded=True) for i in (label, image))
        assert our_code == code
        if theirs is not None:
            assert np.array_equal(ours @ far, theirs @ far)
    assert label.header.get_xyzt_units() == image.header.get_xyzt_units()
    assert label.get_data_dtype() == np.uint8
    assert set(np.unique(label.dataobj)) <= {0, 1, 2}


@pytest.mark.parametrize("codes", ORIENTATIONS[1:])
def test_way_round_of_the_image_does_not_matter(results, codes):
    label = nibabel.load(result_of(results, codes))
    assert "".join(nibabel.aff2axcodes(label.affine)) == codes
    back = voxels_in(label, "RAS")
    expected = voxels(result_of(results, "RAS"))
    assert len(np.unique(expected)) == 3
    assert back.shape == expected.shape
    assert (back == expected).mean() > 0.999


def voxels_in(image: nibabel.Nifti1Image, codes: str) -> np.ndarray:
    return np.asarray(turned(image, codes).dataobj)


@pytest.mark.parametrize("case", ["plain", ODD_NAME, "scaled", "two_places", "second_version"])
def test_kind_and_name_of_the_file_do_not_matter(results, case):
    same = voxels(result_of(results, case)) == voxels(result_of(results, "RAS"))
    # int16 with a scale rounds grey values, and may tip a voxel over.
    assert same.mean() > (0.99 if case == "scaled" else 0.9999)


@pytest.mark.parametrize("case", ["thick", "oblique"])
def test_resampled_images_are_segmented(results, case):
    labels = voxels(result_of(results, case))
    assert len(np.unique(labels)) == 3


def test_label_map_is_what_the_network_says(hippocampus_chain, checkpoint, results, source):
    """Padding, normalisation and slicing by hand instead of by MONAI's transforms."""
    network = hippocampus_chain.cells.parser.get_parsed_content("network_def").cpu()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    network.load_state_dict(load_state(checkpoint))
    with torch.no_grad():
        labels = network.eval()(padded(source)).argmax(1)
    network.load_state_dict(before)
    expected = cropped(labels, source.shape)
    assert len(np.unique(expected)) == 3
    assert (voxels(result_of(results, "RAS")) == expected).mean() > 0.999


def test_nothing_outside_one_window_is_left_out(hippocampus_chain, checkpoint, results, source):
    """A slice larger than the field of view, window by window by MONAI's function."""
    network = hippocampus_chain.cells.parser.get_parsed_content("network_def").cpu()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    network.load_state_dict(load_state(checkpoint))
    volume = torch.from_numpy(np.tile(np.asarray(source.dataobj).astype(np.float32), (2, 2, 1)))
    assert min(volume.shape[:2]) > 32
    volume = normalised(volume)
    with torch.no_grad():
        scores = sliding_window_inference(
            volume.permute(2, 0, 1)[:, None], (32, 32), 4, network.eval(), 0.5, mode="gaussian"
        )
    network.load_state_dict(before)
    expected = scores.argmax(1).permute(1, 2, 0).numpy()
    found = voxels(result_of(results, "tiled"))
    assert (found == expected).mean() > 0.999
    # All classes in each of the four copies, of which a central window shows the inner corners.
    for corner in (found[:3, :3], found[:3, -3:], found[-3:, :3], found[-3:, -3:]):
        assert corner.any()


@pytest.mark.parametrize("case", SLICES)
def test_one_slice_is_segmented(results, case):
    assert len(np.unique(voxels(result_of(results, case)))) > 1


def test_other_weights_give_other_label_maps(hippocampus_chain, results, source, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    nibabel.save(source, folder / "RAS.nii.gz")
    output = hippocampus_chain.infer(folder, tmp_path / "out")
    assert (voxels(result_of(output, "RAS")) != voxels(result_of(results, "RAS"))).any()


def test_batch_of_windows_does_not_matter(hippocampus_chain, checkpoint, results, source, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    nibabel.save(source, folder / "RAS.nii.gz")
    options = {"checkpoint": str(checkpoint), "inferer#sw_batch_size": 3, "inferer#overlap": 0.5}
    output = hippocampus_chain.infer(folder, tmp_path / "out", **options)
    same = voxels(result_of(output, "RAS")) == voxels(result_of(results, "RAS"))
    assert same.mean() > 0.9999


def test_images_are_only_read(hippocampus_chain, checkpoint, source, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write to any folder")
    folder = tmp_path / "images"
    folder.mkdir()
    nibabel.save(source, folder / "case.nii.gz")
    folder.chmod(0o555)
    try:
        output = hippocampus_chain.infer(folder, tmp_path / "out", checkpoint=str(checkpoint))
    finally:
        folder.chmod(0o755)
    assert result_of(output, "case").is_file()


def test_command_line_from_another_folder(hippocampus_chain, checkpoint, results, source, tmp_path):
    """The one test that starts a process: relative paths, MONAI's own parsing of options."""
    chain = hippocampus_chain
    elsewhere = tmp_path / "anderswo ü"
    (elsewhere / "in").mkdir(parents=True)
    nibabel.save(source, elsewhere / "in" / f"{ODD_NAME}.nii.gz")
    options = {
        "config_file": os.path.relpath(chain.bundles.configs("inference")[0], elsewhere),
        "dataset_dir": "in",
        "output_dir": "out",
        "genotype_path": os.path.relpath(chain.genotype, elsewhere),
        "checkpoint": os.path.relpath(checkpoint, elsewhere),
        "backbone_def#features": "[8,8,8,8,8,8]",
        "patch_size": "[32,32]",
    }
    words = itertools.chain.from_iterable((f"--{key}", value) for key, value in options.items())
    done = subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", *words],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert sorted(path.name for path in elsewhere.iterdir()) == ["in", "out"]
    output = result_of(elsewhere / "out", ODD_NAME)
    assert (voxels(output) == voxels(result_of(results, "RAS"))).all()

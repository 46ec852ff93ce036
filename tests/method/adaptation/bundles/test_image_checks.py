"""Images that are checked before any is segmented, for bundles of the collection and others."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.networks.nets import UNet
from PIL import Image
from zoo_bundle import SETTINGS, write_zoo_bundle

from iac_components.__main__ import main

ROOT = Path(__file__).parents[4]
SHIPPED = ROOT / "bundles" / "hippocampus_unet_iac_segmentation_inference"
VOXELS = np.random.default_rng(0).normal(size=(20, 20, 20)).astype("float32")


def save(path, voxels=VOXELS, *, unit="mm", size=1.0):
    image = nib.Nifti1Image(voxels, np.diag([size, size, size, 1]))
    image.header.set_xyzt_units(unit)
    nib.save(image, path)


def without_end(path):
    save(path)
    path.write_bytes(path.read_bytes()[:-6])


def with_hole(path):
    save(path, np.where(VOXELS > 2, np.nan, VOXELS))


READABLE = {
    "nan": (with_hole, "NaN or infinite voxel"),
    "frames": (lambda path: save(path, np.stack([VOXELS, VOXELS], -1)), "has 2 channels or frames"),
    "damaged": (without_end, "cannot be read to its end"),
    "text": (lambda path: path.write_text("hello"), "Not a gzipped file"),
}
OF_SCANNERS = {
    "metres": (lambda path: save(path, unit="meter", size=1e-3), "where mm are read"),
    "constant": (lambda path: save(path, VOXELS * 0), "is constant"),
}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return write_zoo_bundle(tmp_path_factory.mktemp("foreign") / "zoo")


def predict(bundle, images, out):
    return main([str(word) for word in ("predict", bundle, images, "--output_dir", out)])


def refused(bundle, tmp_path, name, spoil, capsys):
    """Return what is said of a folder with a sound and a spoilt image."""
    (tmp_path / "images").mkdir()
    save(tmp_path / "images" / "a_sound.nii.gz")
    spoil(tmp_path / "images" / f"{name}.nii.gz")
    assert predict(bundle, tmp_path / "images", tmp_path / "out") == 2
    assert not (tmp_path / "out").exists()
    return capsys.readouterr().err


@pytest.mark.parametrize("name", [*READABLE, *OF_SCANNERS])
def test_the_collections_bundles_refuse_what_their_own_runs_refuse(tmp_path, capsys, name):
    spoil, message = {**READABLE, **OF_SCANNERS}[name]
    error = refused(SHIPPED, tmp_path, name, spoil, capsys)
    assert message in error
    assert f"{name}.nii.gz\n" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("name", READABLE)
def test_other_bundles_refuse_what_cannot_be_read(zoo, tmp_path, capsys, name):
    spoil, message = READABLE[name]
    error = refused(zoo, tmp_path, name, spoil, capsys)
    assert message in error
    assert f"{name}.nii.gz\n" in error


def test_label_maps_do_not_go_among_the_images(zoo, tmp_path, capsys):
    (tmp_path / "images").mkdir()
    save(tmp_path / "images" / "a.nii.gz")
    (tmp_path / "link").symlink_to("images")
    for out in ("images", "link"):
        assert predict(zoo, tmp_path / "images", tmp_path / out) == 2
        assert "holds the images" in capsys.readouterr().err
    assert len(list((tmp_path / "images").iterdir())) == 1


def test_two_places_of_an_image_are_warned_of(tmp_path, caplog):
    (tmp_path / "images").mkdir()
    image = nib.Nifti1Image(VOXELS, np.eye(4))
    image.set_qform(np.diag([1, 1, 3, 1]), code=1)
    nib.save(image, tmp_path / "images" / "a.nii.gz")
    assert predict(SHIPPED, tmp_path / "images", tmp_path / "out") == 0
    assert "qform" in caplog.text


def flat_bundle(root):
    """Write a bundle for pictures in colour, which makes colour of grey ones itself."""
    zoo = write_zoo_bundle(root)
    settings = {**SETTINGS, "spatial_dims": 2, "in_channels": 3}
    torch.save(UNet(**settings).state_dict(), zoo / "models" / "model.pt")
    file = zoo / "configs" / "inference.json"
    config = json.loads(file.read_text())
    config["network_def"] |= settings
    config["inferer"]["roi_size"] = [16, 16]
    colour = "$lambda image: image.convert('RGB')"
    config["preprocessing"]["transforms"] = [
        {"_target_": "LoadImaged", "keys": "image", "reader": "PILReader", "converter": colour},
        {"_target_": "EnsureChannelFirstd", "keys": "image", "channel_dim": -1},
        {"_target_": "ScaleIntensityd", "keys": "image"},
    ]
    steps = config["postprocessing"]["transforms"]
    config["postprocessing"]["transforms"] = [steps[-2], {**steps[-1], "output_ext": ".png"}]
    file.write_text(json.dumps(config))
    meta = zoo / "configs" / "metadata.json"
    meta.write_text(meta.read_text().replace('"num_channels": 1', '"num_channels": 3'))
    return zoo


def test_pictures_are_left_to_a_bundle_that_reads_them(tmp_path, capsys):
    zoo, images = flat_bundle(tmp_path / "zoo"), tmp_path / "images"
    images.mkdir()
    values = np.random.default_rng(0).integers(0, 255, size=(20, 24), dtype=np.uint8)
    Image.fromarray(values).save(images / "grey.png")
    Image.fromarray(values * 0).save(images / "black.png")
    assert predict(zoo, images, tmp_path / "out") == 0
    assert len(list((tmp_path / "out").glob("*.png"))) == 2
    (images / "z.png").write_bytes(b"no picture")
    assert predict(zoo, images, tmp_path / "again") == 2
    assert "z.png\n  - is no picture that Pillow reads" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()

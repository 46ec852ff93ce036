"""Data sets as users bring them, untouched: planned, trained for two steps, scored, segmented."""

from __future__ import annotations

import json
from pathlib import Path

import look_alikes
import nibabel
import numpy as np
import pytest
from PIL import Image

from iac_components.bundling.own_data import create_bundles
from iac_components.interface.commands.new import bundles_of
from iac_components.interface.running.stages import make_stages
from tools.maintenance.verification.methods.iac_budgets import QUICK
from tools.maintenance.verification.runners import ThisProcess

IMAGES = {"nnunet_raw": "imagesTs", "nnunet_pictures": "imagesTr", "microscopy": "images"}


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch):
    """Leave the measuring of memory to its own tests."""
    monkeypatch.setattr(
        "iac_components.bundling.own_data.decisions.choices.bytes_an_image", lambda *_, **__: 10**6
    )
    monkeypatch.setattr("iac_components.bundling.own_data.decisions.dimensions.START", 16**3)


def run(name: str, folder: Path, *stages: str) -> Path:
    """Plan a look-alike and run these stages with a plain network of a few channels."""
    given = look_alikes.LOOK_ALIKES[name](folder / name)
    planned = create_bundles(given, name="mine", network="unet", out=folder / "bundles")
    data = planned.dataset_dir
    out = folder / "run"
    root = data if data.is_dir() else data.parent
    images = root / IMAGES.get(name, "images")
    plain = {"skip_module": "plain", "ckpt_dir": str(out / "models")}
    for stage in make_stages(bundles_of(planned), data, images=images, out=out):
        if stage.name not in stages:
            continue
        options = {key: str(value) for key, value in stage.options.items()}
        options.pop("genotype_path", None)
        options.pop("backbone_ckpt", None)
        if stage.name == "predict":
            options.update(skip_module="plain", checkpoint=str(out / "models" / "model.pt"))
            tiny = QUICK.options("inference", "unet")
        else:
            options.update(plain)
            tiny = {**QUICK.options("train", "unet"), "epochs": 1}
        ThisProcess().run(list(stage.configs), {**tiny, **options}, folder)
    return out


@pytest.mark.parametrize("name", ["folder_pair", "datalist", "brain_extracted"])
def test_a_look_alike_is_trained_and_scored_untouched(tmp_path, name):
    out = run(name, tmp_path, "backbone", "postprocess", "evaluate")
    metrics = json.loads((out / "evaluate" / "metrics.json").read_text())
    assert metrics["summary"]["dice"]["classes"]
    folds = json.loads((out / "folds.json").read_text())["folds"]
    assert len(folds) == (3 if name == "datalist" else 5)
    if name == "datalist":
        assert folds == [["a0", "a3"], ["a1", "a4"], ["a2", "a5"]]


def test_regions_of_a_raw_folder_are_scored_and_its_images_segmented(tmp_path):
    out = run("nnunet_raw", tmp_path, "backbone", "postprocess", "evaluate", "predict")
    metrics = json.loads((out / "evaluate" / "metrics.json").read_text())
    assert set(metrics["summary"]["dice"]["classes"]) == {
        "whole_tumor",
        "tumor_core",
        "enhancing_tumor",
    }
    decision = json.loads((out / "postprocess" / "postprocessing.json").read_text())
    assert set(decision["dice"]["with"]) == set(metrics["summary"]["dice"]["classes"])
    assert metrics["info"]["postprocessing"] == str(out / "postprocess" / "postprocessing.json")
    (file,) = (out / "predictions").iterdir()
    assert file.name == "glioma_006_seg.nii.gz"
    label = nibabel.load(file)
    assert label.shape == (36, 40, 4)
    assert set(np.unique(label.dataobj)) <= {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("name", "first"), [("microscopy", "cell0"), ("nnunet_pictures", "cell_0")]
)
def test_pictures_are_trained_on_and_segmented_as_pictures(tmp_path, name, first):
    out = run(name, tmp_path, "backbone", "postprocess", "predict")
    files = sorted(path.name for path in (out / "predictions").iterdir())
    assert files[0] == f"{first}_seg.png"
    assert len(files) == 6
    image = next((tmp_path / name).glob(f"images*/{first}*.png"))
    with Image.open(out / "predictions" / files[0]) as label, Image.open(image) as source:
        assert label.size == source.size

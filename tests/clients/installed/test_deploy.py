"""The example application on MONAI Deploy's SDK: over ``model.ts``, a folder, a zip's folder."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from monai.bundle import ckpt_export, run

pytestmark = [
    pytest.mark.skipif(
        # The SDK is a part of the package monai; to look for it, that must not be imported.
        importlib.util.find_spec("holoscan") is None,
        reason="Deploy's SDK is not installed: bash tools/test_clients.sh deploy runs these tests",
    ),
    pytest.mark.timeout(3600),
]
ROOT = Path(__file__).parents[3]
BUNDLE = ROOT / "bundles" / "hippocampus_unet_iac_segmentation_inference"


@pytest.fixture(scope="module")
def image(volumes) -> Path:
    return sorted((volumes / "imagesTr").glob("*.nii.gz"))[0]


@pytest.fixture(scope="module")
def own(image, tmp_path_factory) -> np.ndarray:
    """The labels that the bundle itself gives."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "images").mkdir()
    shutil.copy(image, folder / "images")
    config = str(BUNDLE / "configs" / "inference.json")
    words = {"dataset_dir": str(folder / "images"), "output_dir": str(folder / "out")}
    run(config_file=config, logging_file=False, **words)
    (file,) = (folder / "out").glob("*.nii.gz")
    return np.asarray(nibabel.load(file).dataobj)


@pytest.fixture(scope="module")
def model_ts(tmp_path_factory) -> Path:
    """``model.ts`` as the documentation's command writes it."""
    file = tmp_path_factory.mktemp("exported") / "model.ts"
    ckpt_export(
        "network_def",
        filepath=str(file),
        ckpt_file=str(BUNDLE / "models" / "model.pt"),
        key_in_ckpt="model",
        use_trace=True,
        meta_file=str(BUNDLE / "configs" / "metadata.json"),
        config_file=str(BUNDLE / "configs" / "inference.json"),
    )
    return file


@pytest.fixture(scope="module")
def zip_folder(tmp_path_factory) -> Path:
    """The folder of a bundle's zip, which holds the package."""
    folder = tmp_path_factory.mktemp("zip") / BUNDLE.name
    shutil.copytree(BUNDLE, folder, ignore=shutil.ignore_patterns("eval", "data"))
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "iac_components", folder / "iac_components", ignore=ignored)
    return folder


@pytest.fixture
def segment(image, tmp_path) -> Callable[..., nibabel.Nifti1Image]:
    """Return a function that runs the application from a directory of no concern."""

    def start(model: Path, *, package: bool) -> nibabel.Nifti1Image:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        environment["PYTHONPATH"] = str(ROOT) if package else ""
        application = shutil.copy(ROOT / "examples" / "deploy_app.py", tmp_path)
        done = subprocess.run(
            [sys.executable, application, "-i", image, "-o", tmp_path / "out", "-m", model],
            env=environment,
            cwd=elsewhere,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        file = tmp_path / "out" / "pred.nii.gz"
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        assert file.is_file(), (done.stdout + done.stderr)[-4000:]
        return nibabel.load(file)

    return start


@pytest.mark.parametrize(
    ("model", "package"), [("model_ts", True), ("folder", True), ("zip_folder", False)]
)
def test_application_gives_what_the_bundle_gives(request, segment, image, own, model, package):
    path = BUNDLE if model == "folder" else request.getfixturevalue(model)
    found = segment(path, package=package)
    labels = np.asarray(found.dataobj)
    assert labels.shape == nibabel.load(image).shape
    np.testing.assert_allclose(found.affine, nibabel.load(image).affine, atol=1e-5)
    assert set(np.unique(labels)) == {0, 1, 2}
    assert np.mean(labels == own) > 0.999

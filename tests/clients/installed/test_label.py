"""MONAI Label's server with its app for bundles: infer, train, and infer with what was trained."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pytest
import requests
import torch

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("monailabel") is None,
        reason="MONAI Label is not installed: bash tools/test_clients.sh label runs these tests",
    ),
    pytest.mark.timeout(3600),
]
ROOT = Path(__file__).parents[3]
BUNDLE = "hippocampus_unet_iac_segmentation_train"
RELEASED = ROOT / "bundles" / "hippocampus_unet_iac_segmentation_inference" / "models" / "model.pt"
ADAPTED = "hippocampus_unet_adapted"
EPOCHS = 2


@dataclass(frozen=True)
class Server:
    """A server on this machine alone."""

    address: str
    bundle: Path
    adapted: Path
    studies: Path
    log: Path

    def infer(self, case: str, folder: Path, model: str = BUNDLE) -> nibabel.Nifti1Image:
        """Segment a study by REST."""
        answer = requests.post(
            f"{self.address}/infer/{model}",
            params={"image": case, "output": "image"},
            data={"params": json.dumps({"device": "cpu"})},
            timeout=1800,
        )
        assert answer.status_code == 200, answer.text + self.log.read_text()[-4000:]
        folder.mkdir(exist_ok=True)
        file = folder / "label.nii.gz"
        file.write_bytes(answer.content)
        return nibabel.load(file)

    def train(self, model: str = BUNDLE) -> None:
        """Train by REST, as the client's button does, and wait for the end."""
        asked = {"max_epochs": EPOCHS, "device": "cpu", "val_split": 0.2, "multi_gpu": False}
        answer = requests.post(f"{self.address}/train/{model}", json=asked, timeout=600)
        assert answer.status_code == 200, answer.text
        # Not by check_if_running: it says no, too, before the training's process has started.
        status = {"status": "RUNNING"}
        while status["status"] in ("SUBMITTED", "RUNNING"):
            time.sleep(2)
            status = requests.get(f"{self.address}/train/", timeout=600).json()
        assert status["status"] == "DONE", json.dumps(status)[-6000:]


def export_adapted(folder: Path) -> None:
    """Write the released bundle with an adapter that can be trained again."""
    from adapters import moved_adapter

    from iac_components.adaptation import export_adapted_bundle
    from iac_components.adaptation.bundles.network_bundle import read_bundle

    released = RELEASED.parents[1]
    network = read_bundle(released, device=torch.device("cpu")).network
    adapter = moved_adapter(network, "norms", shape=(1, 1, 64, 64))
    export_adapted_bundle(
        released, adapter.save(folder.parent / "adapter"), folder, also="training"
    )


@pytest.fixture(scope="module")
def server(write_part, tmp_path_factory) -> Iterator[Server]:
    """The train bundle as it is, with the released weights to begin with."""
    root = tmp_path_factory.mktemp("label")
    part = write_part(root / "part", 0, 4)
    studies = root / "studies"
    shutil.move(part / "imagesTr", studies)
    shutil.move(part / "labelsTr", studies / "labels" / "final")
    app = root / "monaibundle"
    shutil.copytree(Path(sys.prefix) / "monailabel" / "sample-apps" / "monaibundle", app)
    ignored = shutil.ignore_patterns("eval", "data", "iac_components", "*.ts")
    bundle = app / "model" / BUNDLE
    shutil.copytree(ROOT / "bundles" / BUNDLE, bundle, ignore=ignored)
    (bundle / "models").mkdir(exist_ok=True)
    shutil.copy(RELEASED, bundle / "models" / "model.pt")
    export_adapted(root / ADAPTED)
    shutil.move(root / ADAPTED, app / "model" / ADAPTED)
    placeholders = root / "placeholders"
    if importlib.util.find_spec("torchvision") is None:
        # Label imports two functions of it, for pictures of DeepEdit's training. Beside a torch for
        # the CPU, the torchvision of the same index does not load.
        (placeholders / "torchvision").mkdir(parents=True)
        (placeholders / "torchvision" / "__init__.py").write_text("")
        names = "make_grid = save_image = None\n"
        (placeholders / "torchvision" / "utils.py").write_text(names)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    log = root / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "monailabel.main", "start_server"),
                *("--app", str(app), "--studies", str(studies)),
                *("--conf", "models", f"{BUNDLE},{ADAPTED}", "--conf", "zoo_source", "ngc"),
                *("--host", "127.0.0.1", "--port", str(port)),
            ],
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "OMP_WAIT_POLICY": "PASSIVE",
                "PYTHONPATH": str(placeholders),
            },
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=root,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(1200):
            assert process.poll() is None, log.read_text()[-4000:]
            try:
                if requests.get(f"{address}/info/", timeout=600).ok:
                    break
            except requests.ConnectionError:
                time.sleep(1)
        yield Server(address, bundle, app / "model" / ADAPTED, studies, log)
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def volumes_of(server, tmp_path_factory) -> dict[str, nibabel.Nifti1Image]:
    """A study, its segmentation by the released weights, and by those that were trained."""
    folder = tmp_path_factory.mktemp("segmented")
    image = sorted(server.studies.glob("*.nii.gz"))[0]
    case = image.name.removesuffix(".nii.gz")
    found = {"image": nibabel.load(image), "before": server.infer(case, folder / "before")}
    server.train()
    return {**found, "after": server.infer(case, folder / "after")}


def test_server_knows_model_and_labels(server):
    model = requests.get(f"{server.address}/info/", timeout=600).json()["models"][BUNDLE]
    assert model["type"] == "segmentation"
    assert model["labels"] == {"anterior": 1, "posterior": 2}
    assert BUNDLE in requests.get(f"{server.address}/info/", timeout=600).json()["trainers"]


def test_label_map_lies_on_its_image(volumes_of):
    for name in ("before", "after"):
        assert volumes_of[name].shape == volumes_of["image"].shape
        np.testing.assert_allclose(volumes_of[name].affine, volumes_of["image"].affine, atol=1e-5)
    assert set(np.unique(np.asarray(volumes_of["before"].dataobj))) == {0, 1, 2}


def test_released_weights_segment(volumes_of, volumes):
    name = Path(volumes_of["image"].get_filename()).name
    truth = np.asarray(nibabel.load(volumes / "labelsTr" / name).dataobj)
    found = np.asarray(volumes_of["before"].dataobj)
    for label in (1, 2):
        both = np.sum((truth == label) & (found == label))
        assert 2 * both / (np.sum(truth == label) + np.sum(found == label)) > 0.7


def test_rate_reaches_its_end_at_the_length_that_label_sets(server, volumes_of):
    file = server.bundle / "eval" / "checkpoints" / f"checkpoint_epoch={EPOCHS}.pt"
    objects = torch.load(file, weights_only=True)["objects"]
    assert objects["lr_scheduler"]["T_max"] == EPOCHS
    assert objects["optimizer"]["param_groups"][0]["lr"] == 0


def test_next_inference_uses_what_was_trained(server, volumes_of, tmp_path):
    before, after = (np.asarray(volumes_of[name].dataobj) for name in ("before", "after"))
    assert np.any(before != after)
    images = tmp_path / "images"
    images.mkdir()
    shutil.copy(volumes_of["image"].get_filename(), images)
    config = server.bundle / "configs" / "inference.json"
    words = ["--config_file", config, "--dataset_dir", images, "--output_dir", tmp_path / "out"]
    subprocess.run([sys.executable, "-m", "monai.bundle", "run", *words], check=True, cwd=tmp_path)
    (own,) = (tmp_path / "out").glob("*.nii.gz")
    assert np.mean(np.asarray(nibabel.load(own).dataobj) == after) > 0.999


def test_an_adapter_is_trained_again(server, volumes_of, tmp_path):
    image = Path(volumes_of["image"].get_filename())
    case = image.name.removesuffix(".nii.gz")
    before = server.infer(case, tmp_path / "before", ADAPTED)
    assert before.shape == volumes_of["image"].shape
    server.train(ADAPTED)
    record = json.loads((server.adapted / "adapter" / "adapter.json").read_text())["record"]
    cases = {path.name.removesuffix(".nii.gz") for path in server.studies.glob("*.nii.gz")}
    assert set(record["trained_again_with"]) < cases
    assert record["steps"] == 10 * EPOCHS
    after = server.infer(case, tmp_path / "after", ADAPTED)
    assert np.any(np.asarray(before.dataobj) != np.asarray(after.dataobj))

"""A bundle that must fail: with one clear message, and with nothing written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.networks.nets import BasicUNet
from numpy.typing import NDArray

from iac_components.common.console.brief_errors import brief_message
from iac_components.data import load_datalist
from iac_components.engine.owned_folders import LOCK_NAME
from iac_components.networks import build_network
from iac_components.search_space import SearchSpace, random_genotype, save_genotype

# What a run may leave behind when it fails: never weights, a genotype or results. Its lock goes
# with its process, which here is that of the tests.
HARMLESS = {"folds.json", "network.json", LOCK_NAME}


@dataclass(frozen=True)
class Dataset:
    """A copy of a phantom to spoil."""

    folder: Path
    layout: str

    def entries(self, part: str = "train") -> list[dict[str, str]]:
        return load_datalist(self.folder, layout=self.layout, part=part)

    def image(self, index: int = 0, part: str = "train") -> Path:
        return Path(self.entries(part)[index]["image"])

    def label(self, index: int = 0, part: str = "train") -> Path:
        return Path(self.entries(part)[index]["label"])


def spoil(
    path: Path,
    change: Callable[[NDArray[np.generic]], NDArray[np.generic]] = lambda voxels: voxels,
    affine: Callable[[NDArray[np.float64]], NDArray[np.float64]] = lambda affine: affine,
) -> Path:
    """Write a NIfTI file again with other voxels or another affine."""
    image = nibabel.load(path)
    voxels = change(np.asarray(image.dataobj).copy())
    nibabel.save(nibabel.Nifti1Image(voxels, affine(image.affine.copy())), path)
    return path


@pytest.fixture(scope="session")
def rewrite() -> Callable[..., Path]:
    return spoil


@pytest.fixture
def dataset(hippocampus, tmp_path: Path) -> Dataset:
    folder = tmp_path / "data"
    shutil.copytree(hippocampus.phantom, folder)
    return Dataset(folder, "decathlon")


@pytest.fixture
def acdc_dataset(tiny_bundles, tmp_path: Path) -> Dataset:
    folder = tmp_path / "acdc"
    shutil.copytree(tiny_bundles("acdc").phantom, folder)
    return Dataset(folder, "acdc")


@pytest.fixture(scope="session")
def genotype(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound genotype."""
    path = tmp_path_factory.mktemp("genotype") / "genotype.json"
    save_genotype(random_genotype(SearchSpace(2, num_nodes=2), 0), path)
    return path


@pytest.fixture(scope="session")
def network(genotype: Path):
    """A fresh network of the tiny settings, with the cells of ``genotype``."""
    return build_network(BasicUNet(2, 1, 3, features=[8] * 6), genotype_path=genotype)


@pytest.fixture(scope="session")
def plain_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the plain network of the tiny settings: they are loaded before data are read."""
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save({"model": BasicUNet(2, 1, 3, features=[8] * 6).state_dict()}, path)
    return path


@pytest.fixture
def failure(tiny_bundles, tmp_path: Path, plain_weights: Path) -> Callable[..., str]:
    """Return a function that runs a bundle, and gives the message with which it fails."""

    def run(
        stage: str, options: Mapping[str, object], *configs: str, dataset: str = "hippocampus"
    ) -> str:
        out = tmp_path / "out"
        settings: dict[str, object] = {"output_dir": str(out)}
        if stage == "train":
            settings |= {"ckpt_dir": str(out / "models")}
            settings |= {} if "genotype_path" in options else {"skip_module": "plain"}
        if stage == "inference" or "evaluate" in configs:
            settings["checkpoint"] = str(plain_weights)
        workflow = tiny_bundles(dataset).workflow(stage, {**settings, **options}, *configs)
        try:
            workflow.initialize()
            workflow.run()
        except Exception as error:
            message = brief_message(error)
            if message is None:
                raise AssertionError("the user would be shown a traceback") from error
        else:
            raise AssertionError("the run did not fail")
        assert "Failed to" not in message.splitlines()[0]
        written = [path for path in out.rglob("*") if path.is_file()] if out.is_dir() else []
        assert {path.name for path in written} <= HARMLESS, written
        assert not [name for name in os.listdir(tmp_path) if ".tmp" in name]
        return message

    return run

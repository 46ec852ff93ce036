"""A data set, plans and a trained network, made by nnU-Net's own commands in seconds."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from iac_components.phantoms import write_phantom
from iac_components.search_space import SearchSpace, random_genotype, save_genotype

DATASET = "Dataset004_Hippocampus"
TINY = "nnUNetPlansTiny"
TRAINER = """
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from iac_components.nnunet.trainer import nnUNetTrainerIAC


class nnUNetTrainerTiny(nnUNetTrainer):
    def initialize(self):
        self.num_epochs = self.num_iterations_per_epoch = 2
        self.num_val_iterations_per_epoch = 1
        super().initialize()


class nnUNetTrainerIACTiny(nnUNetTrainerIAC):
    def initialize(self):
        super().initialize()
        self.num_val_iterations_per_epoch = 1
"""
PLACEHOLDERS = "def __getattr__(name):\n    return type(name, (), {})\n"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if importlib.util.find_spec("nnunetv2") is None:
        reason = "nnunetv2 is not installed: bash tools/test_clients.sh nnunet runs these tests"
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


@dataclass(frozen=True)
class Workplace:
    """Folders of nnU-Net, with its environment."""

    root: Path

    @property
    def preprocessed(self) -> Path:
        return self.root / "preprocessed" / DATASET

    def plans(self, name: str = TINY) -> Path:
        return self.preprocessed / f"{name}.json"

    def model(self, trainer: str, plans: str, configuration: str = "2d") -> Path:
        return self.root / "results" / DATASET / f"{trainer}__{plans}__{configuration}"

    @property
    def weights(self) -> str:
        """Of the plain network, for any fold."""
        model = self.model("nnUNetTrainerTiny", TINY)
        return str(model / "fold_{fold}" / "checkpoint_final.pth")

    @property
    def environment(self) -> dict[str, str]:
        from iac_components.nnunet.__main__ import TRAINERS

        folders = {
            f"nnUNet_{name}": str(self.root / name) for name in ("raw", "preprocessed", "results")
        }
        return {
            **os.environ,
            **folders,
            "nnUNet_n_proc_DA": "0",
            "nnUNet_def_n_proc": "1",
            "nnUNet_extTrainer": os.pathsep.join((str(self.root / "trainers"), str(TRAINERS))),
            "PYTHONPATH": str(self.root / "placeholders"),
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
        }

    def run(self, command: str, *arguments: str, **environment: str) -> str:
        """Run a command of nnU-Net, or a module of ours."""
        program = (
            [sys.executable, "-m", command]
            if command.startswith("iac_components")
            else [sys.executable, str(Path(sys.executable).with_name(command))]
        )
        done = subprocess.run(
            [*program, *arguments],
            env={**self.environment, **environment},
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=550,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout + done.stderr

    def ours(self, *arguments: str) -> None:
        """Do what ``python -m iac_components.nnunet`` does, without its start."""
        from iac_components.nnunet.__main__ import main

        main(arguments)


@pytest.fixture(scope="session")
def workplace(tmp_path_factory) -> Workplace:
    """A phantom, planned and preprocessed; ``nnUNetPlansTiny`` has few channels."""
    place = Workplace(tmp_path_factory.mktemp("nnunet"))
    _write_raw(place.root)
    _write_trainers(place.root)
    planning = ("-d", "4", "-c", "2d", "3d_fullres", "-npfp", "1", "-np", "1")
    # Planning takes its number of threads from the same variable, and refuses none.
    place.run("nnUNetv2_plan_and_preprocess", *planning, nnUNet_n_proc_DA="1")
    plans = json.loads(place.plans("nnUNetPlans").read_text())
    for configuration in plans["configurations"].values():
        configuration["architecture"]["arch_kwargs"]["features_per_stage"] = [4, 8, 8]
        configuration["batch_size"] = 2
    place.plans().write_text(json.dumps({**plans, "plans_name": TINY}))
    return place


@pytest.fixture(scope="session")
def trained(workplace: Workplace) -> Workplace:
    """The same, with a plain 2-D network trained by nnU-Net's own command."""
    tiny = ("-p", TINY, "-tr", "nnUNetTrainerTiny", "-device", "cpu")
    workplace.run("nnUNetv2_train", "4", "2d", "0", *tiny)
    return workplace


@pytest.fixture(scope="session")
def genotypes(tmp_path_factory) -> dict[int, Path]:
    """A cell by its number of dimensions."""
    folder = tmp_path_factory.mktemp("genotypes")
    files = {dims: folder / f"{dims}d.json" for dims in (2, 3)}
    for dims, file in files.items():
        save_genotype(random_genotype(SearchSpace(dims), 1), file)
    return files


@pytest.fixture
def here(workplace: Workplace, monkeypatch) -> Workplace:
    """nnU-Net's environment in this process."""
    for name, value in workplace.environment.items():
        if name.startswith("nnUNet_"):
            monkeypatch.setenv(name, value)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield workplace
    torch.set_num_threads(threads)


def _write_raw(root: Path) -> None:
    """Lay a phantom of hippocampi out as nnU-Net has it."""
    source = write_phantom(root / "phantom", layout="decathlon", num_patients=6, shape=(24, 24, 16))
    raw = root / "raw" / DATASET
    for folder in ("imagesTr", "labelsTr"):
        (raw / folder).mkdir(parents=True)
    for image in sorted((source / "imagesTr").glob("*.nii.gz")):
        name = image.name.removesuffix(".nii.gz")
        shutil.copy(image, raw / "imagesTr" / f"{name}_0000.nii.gz")
        shutil.copy(source / "labelsTr" / image.name, raw / "labelsTr")
    description = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, "anterior": 1, "posterior": 2},
        "numTraining": len(list((raw / "labelsTr").iterdir())),
        "file_ending": ".nii.gz",
    }
    (raw / "dataset.json").write_text(json.dumps(description))
    for name in ("preprocessed", "results"):
        (root / name).mkdir()


def _write_trainers(root: Path) -> None:
    """Trainers of seconds; and where timm is absent, a placeholder for it.

    To find a trainer of any name but the first, nnU-Net imports all of its own, and those of its
    transformers import timm, which needs a torchvision. Nothing here uses them.
    """
    (root / "trainers").mkdir()
    (root / "trainers" / "tiny_trainers.py").write_text(TRAINER)
    folder = root / "placeholders"
    folder.mkdir()
    if importlib.util.find_spec("timm") is None:
        (folder / "timm" / "models").mkdir(parents=True)
        for name in ("__init__.py", "models/__init__.py"):
            (folder / "timm" / name).write_text("")
        for name in ("layers.py", "models/eva.py"):
            (folder / "timm" / name).write_text(PLACEHOLDERS)

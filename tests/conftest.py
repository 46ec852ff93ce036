"""Bundles run in this process, on a phantom, with a budget of seconds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from monai.bundle import ConfigWorkflow

from iac_components.data import write_phantom

ROOT = Path(__file__).parents[1]

NETWORK = {"backbone_def#features": [8] * 6}
BUDGET = {"steps_per_epoch": 2, "batch_size": 2, "patch_size": [32, 32]}
SEARCH = {
    **BUDGET,
    "epochs": 6,
    "warmup_epochs": 0,
    "operations": ["none", "skip_connect", "avg_pool_3x3", "sep_conv_3x3"],
    "num_nodes": 2,
    "keep_schedule": [2, 1],
    # Everything is stable at once, so that two steps an epoch decide a genotype in three epochs.
    "criterion#threshold": 1e9,
    "criterion#window": 1,
    "criterion#patience": 1,
    "criterion#warmup_epochs": 0,
    "criterion#min_signal": 0.0,
}
TRAIN = {**BUDGET, "epochs": 2, "val_interval": 1}
STAGES: dict[str, Mapping[str, object]] = {"search": SEARCH, "train": TRAIN, "inference": {}}


@contextmanager
def working_directory(folder: Path) -> Iterator[None]:
    """Run the block from another working directory."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@dataclass(frozen=True)
class TinyBundles:
    """The three bundles of a data set, with a phantom in its layout and settings of seconds."""

    dataset: str
    layout: str
    phantom: Path
    cwd: Path
    field_of_view: tuple[int, int, int]

    def configs(self, stage: str, *names: str) -> list[str]:
        folder = ROOT / "bundles" / f"{self.dataset}_unet_iac_segmentation_{stage}" / "configs"
        return [str(folder / f"{name}.json") for name in (stage, *names)]

    def workflow(
        self, stage: str, options: Mapping[str, object], *configs: str, kind: str | None = None
    ) -> ConfigWorkflow:
        """The workflow of ``python -m monai.bundle run``; the bundle's logging is left out."""
        data = {} if stage == "inference" else {"dataset_dir": str(self.phantom)}
        settings = {"field_of_view": list(self.field_of_view), **NETWORK, **STAGES[stage], **data}
        settings.update(options)
        return ConfigWorkflow(
            self.configs(stage, *configs), logging_file=False, workflow_type=kind, **settings
        )

    def run(self, stage: str, options: Mapping[str, object], *configs: str) -> ConfigWorkflow:
        """Run a stage from a working directory of no concern, and leave nothing in it."""
        with working_directory(self.cwd):
            workflow = self.workflow(stage, options, *configs)
            workflow.initialize()
            workflow.run()
            workflow.finalize()
        assert not list(self.cwd.iterdir())
        return workflow


@pytest.fixture(scope="session")
def tiny_bundles(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], TinyBundles]:
    """Return a function that gives the bundles of a data set, each phantom written once."""

    @cache
    def make(dataset: str) -> TinyBundles:
        phantom = tmp_path_factory.mktemp("phantom")
        cwd = tmp_path_factory.mktemp("elsewhere")
        if dataset == "acdc":
            write_phantom(phantom, layout="acdc", num_patients=5, shape=(32, 36))
            return TinyBundles(dataset, "acdc", phantom, cwd, (48, 48, -1))
        write_phantom(phantom, layout="decathlon", num_patients=5, shape=(20, 24, 16))
        return TinyBundles(dataset, "decathlon", phantom, cwd, (32, 32, -1))

    return make


@pytest.fixture(scope="session", params=["hippocampus", "acdc"])
def tiny(request: pytest.FixtureRequest, tiny_bundles: Callable[[str], TinyBundles]) -> TinyBundles:
    return tiny_bundles(request.param)


@pytest.fixture(scope="session")
def hippocampus(tiny_bundles: Callable[[str], TinyBundles]) -> TinyBundles:
    return tiny_bundles("hippocampus")

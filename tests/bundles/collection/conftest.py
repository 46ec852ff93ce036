"""The chain of stages as a user runs it: each stage once a session, on its first use.

Beside it, ``running_check``: for a test file with a ``METHOD`` and ``DATASETS``, the checks that
run their bundles. Several files, so that two processes share them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path

import pytest
from monai.bundle import ConfigWorkflow

from iac_components.data import load_datalist
from tools.maintenance.verification import Bundle, Outcome, Workbench, find_bundles, run_check
from tools.maintenance.verification.bundle import STAGES

BUNDLES = Path(__file__).parents[3] / "bundles"


EXPORTED = {
    "efficientnet": "acdc",
    "nnunet": "hippocampus",
    "resnet": "brats",
    "unet": "amos",
}
"""Backbone to the data set that it is exported for. The planned network of hippocampus has the
fewest levels; the others' are of one size but for channels and classes."""


def exported(bundle: Bundle) -> bool:
    """One data set a backbone, and every space of DiNTS; it takes longest."""
    if bundle.stage != STAGES[-1]:
        return False
    if bundle.method.name == "dints":
        return bundle.dataset in ("hippocampus", "spleen")
    if bundle.method.name == "iac_3d":
        return bundle.dataset == "hippocampus"
    return EXPORTED[bundle.network] == bundle.dataset


def checks_of(bundle: Bundle) -> tuple[str, ...]:
    """The checks that run a bundle."""
    export = ("export",) if exported(bundle) else ()
    # A full supernet takes half a minute, and prostate's is spleen's but for the first layer.
    large = (bundle.dataset, bundle.method.name, bundle.stage) == ("prostate", "dints", "search")
    # So does a supernet of cells in a network of volumes, whose network is the train bundle's.
    large |= (bundle.method.name, bundle.stage) == ("iac_3d", "search")
    shapes = () if large else ("net_in_out",)
    return ("properties", *shapes, *export, "run")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "running_check" in metafunc.fixturenames:
        module = metafunc.module
        bundles = [
            bundle
            for bundle in find_bundles(module.DATASETS, BUNDLES)
            if bundle.method.name == module.METHOD and bundle.dataset in module.DATASETS
        ]
        checks = getattr(module, "CHECKS_OF", checks_of)
        pairs = [(bundle, check) for bundle in bundles for check in checks(bundle)]
        names = [f"{bundle.combination} {bundle.stage} {check}" for bundle, check in pairs]
        metafunc.parametrize("running_check", pairs, indirect=True, ids=names)


@pytest.fixture
def running_check(request: pytest.FixtureRequest, workbench: Workbench) -> Callable[[], Outcome]:
    bundle, check = request.param
    return lambda: run_check(check, bundle, workbench)


class Chain:
    """Plain training, frozen search, implanted training, evaluation and inference.

    Every stage is a ``cached_property`` that runs it and returns its workflow.
    """

    def __init__(self, bundles, root: Path) -> None:
        self.bundles = bundles
        self.root = root
        self.folds_file = root / "folds.json"
        self.plain_ckpt = root / "plain" / "models" / "model.pt"
        self.genotype = root / "search" / "genotype.json"
        self.ckpt = root / "cells" / "models" / "model.pt"
        self.common = {"folds_file": str(self.folds_file)}

    @cached_property
    def plain(self) -> ConfigWorkflow:
        folder = self.root / "plain"
        options = {"output_dir": str(folder), "ckpt_dir": str(folder / "models")}
        return self.bundles.run("train", {**self.common, **options, "skip_module": "plain"})

    def search_options(self, name: str) -> dict[str, object]:
        _ = self.plain
        options = {"output_dir": str(self.root / name), "backbone_ckpt": str(self.plain_ckpt)}
        return {**self.common, **options}

    @cached_property
    def search(self) -> ConfigWorkflow:
        return self.bundles.run("search", self.search_options("search"))

    @cached_property
    def network(self) -> dict[str, object]:
        """Options of the stages that use the found genotype."""
        _ = self.search
        return {"genotype_path": str(self.genotype), "ckpt_dir": str(self.ckpt.parent)}

    @cached_property
    def cells(self) -> ConfigWorkflow:
        start = {"backbone_ckpt": str(self.plain_ckpt), "frozen_backbone": True}
        output = {"output_dir": str(self.root / "cells")}
        return self.bundles.run("train", {**self.common, **self.network, **start, **output})

    def evaluate(self, name: str, **options: object) -> ConfigWorkflow:
        _ = self.cells
        output = {"output_dir": str(self.root / name)}
        settings = {**self.common, **self.network, **output, **options}
        return self.bundles.run("train", settings, "evaluate")

    @cached_property
    def evaluation(self) -> ConfigWorkflow:
        return self.evaluate("evaluate")

    def infer(self, images: Path, output: Path, **options: object) -> Path:
        _ = self.cells
        settings = {"dataset_dir": str(images), "output_dir": str(output)}
        model = {"genotype_path": str(self.genotype)}
        if "fold_weights" not in options:
            model["checkpoint"] = str(self.ckpt)
        self.bundles.run("inference", {**settings, **model, **options})
        return output

    @cached_property
    def test_images(self) -> Path:
        """A folder with the images of the test fold and nothing else."""
        folder = self.root / "images"
        folder.mkdir()
        for entry in self.part("test"):
            image = Path(entry["image"])
            (folder / image.name).symlink_to(image)
        return folder

    @cached_property
    def predictions(self) -> Path:
        return self.infer(self.test_images, self.root / "predictions")

    def part(self, name: str) -> list[dict[str, str]]:
        _ = self.plain
        settings = {"layout": self.bundles.layout, "part": name, "folds_file": self.folds_file}
        return load_datalist(self.bundles.phantom, **settings)


@pytest.fixture(scope="session")
def chains(tiny_bundles, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Chain]:
    @cache
    def make(dataset: str) -> Chain:
        return Chain(tiny_bundles(dataset), tmp_path_factory.mktemp(f"chain_{dataset}"))

    return make


@pytest.fixture(scope="session")
def chain(tiny, chains: Callable[[str], Chain]) -> Chain:
    """The chain of each data set in turn."""
    return chains(tiny.dataset)


@pytest.fixture(scope="session")
def hippocampus_chain(chains: Callable[[str], Chain]) -> Chain:
    return chains("hippocampus")

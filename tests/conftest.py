"""Bundles run in this process, on a phantom, with a budget of seconds."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from hypothesis_profile import load_profile
from monai.bundle import ConfigWorkflow
from work_sharing import FileScheduling, sort_by_cost

from iac_components.data.examples.phantoms import write_phantom
from tools.maintenance.verification import Bundle, Workbench
from tools.maintenance.verification.runners import working_directory
from tools.maintenance.verify import find_schema

ROOT = Path(__file__).parents[1]

load_profile()

# A job in the background starts with SIGINT ignored, and so would all that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    sort_by_cost(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FileScheduling | None:
    return FileScheduling(config, log) if config.getoption("dist") == "loadfile" else None


@dataclass(frozen=True)
class TinyBundles:
    """The three U-Net bundles of a data set, with a phantom and settings of seconds."""

    dataset: str
    bench: Workbench

    def bundle(self, stage: str) -> Bundle:
        return Bundle(ROOT / "bundles" / f"{self.dataset}_unet_iac_segmentation_{stage}")

    @property
    def layout(self) -> str:
        return str(self.bundle("train").config()["layout"])

    @property
    def phantom(self) -> Path:
        return self.bench.dataset_dir(self.bundle("train"))

    def configs(self, stage: str, *names: str) -> list[str]:
        return [str(self.bundle(stage).config_path(name)) for name in (stage, *names)]

    def workflow(
        self, stage: str, options: Mapping[str, object], *configs: str, kind: str | None = None
    ) -> ConfigWorkflow:
        """The workflow of ``python -m monai.bundle run``; the bundle's logging is left out."""
        bundle = self.bundle(stage)
        settings = {**self.bench.options(bundle), **options}
        return self.bench.workflow(bundle, settings, *configs, kind=kind)

    def run(self, stage: str, options: Mapping[str, object], *configs: str) -> ConfigWorkflow:
        """Run a stage from a working directory of no concern, and leave nothing in it."""
        with working_directory(self.bench.elsewhere):
            workflow = self.workflow(stage, options, *configs)
            workflow.initialize()
            workflow.run()
            workflow.finalize()
        assert not list(self.bench.elsewhere.iterdir())
        return workflow


@pytest.fixture(autouse=True)
def undisturbed_logging() -> Iterator[None]:
    """Undo what a library's logging set-up does to the loggers that other tests listen to."""
    yield
    logging.disable(logging.NOTSET)
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.disabled = False


@pytest.fixture(scope="session")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """Phantoms and chained runs, each made once a session."""
    return Workbench(tmp_path_factory.mktemp("workbench"), schema=find_schema(None))


@pytest.fixture(scope="session")
def tiny_bundles(workbench: Workbench) -> Callable[[str], TinyBundles]:
    """Return a function that gives the U-Net bundles of a data set, always the same."""
    return cache(lambda dataset: TinyBundles(dataset, workbench))


@pytest.fixture(scope="session", params=["hippocampus", "acdc"])
def tiny(request: pytest.FixtureRequest, tiny_bundles: Callable[[str], TinyBundles]) -> TinyBundles:
    return tiny_bundles(request.param)


@pytest.fixture(scope="session")
def hippocampus(tiny_bundles: Callable[[str], TinyBundles]) -> TinyBundles:
    return tiny_bundles("hippocampus")


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One small phantom dataset for each layout; treat it as read-only."""
    root = tmp_path_factory.mktemp("phantoms")
    return {
        "acdc": write_phantom(root / "acdc", layout="acdc", num_patients=6, shape=(40, 48)),
        "decathlon": write_phantom(
            root / "hippocampus", layout="decathlon", num_patients=5, shape=(20, 24, 18)
        ),
        "brats": write_phantom(root / "brats", layout="brats", num_patients=6, shape=(32, 32, 6)),
        "brats2021": write_phantom(
            root / "brats2021", layout="brats2021", num_patients=5, shape=(32, 32, 6)
        ),
        "kits": write_phantom(root / "kits", layout="kits", num_patients=5, shape=(6, 32, 32)),
        "amos": write_phantom(root / "amos", layout="amos", num_patients=8, shape=(32, 32, 6)),
    }

"""One tiny project, whose steps run once a session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from api_project import SEARCH, SHORT, unet
from monai.utils import set_determinism
from torch import nn

import iac_components as iac
from iac_components.phantoms import write_phantom
from iac_components.search_space import SearchSpace, random_genotype


@dataclass(frozen=True)
class Project:
    """The results of the ten lines of the README."""

    folder: Path
    dataset: Path
    data: iac.Data
    plain: nn.Module
    genotype: iac.Genotype
    model: nn.Module


@pytest.fixture(autouse=True)
def free_generators() -> Iterator[None]:
    """Undo what a run does to torch for the tests that follow."""
    yield
    set_determinism(None)


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("api") / "Task04_Hippocampus"
    return write_phantom(folder, layout="decathlon", num_patients=10, shape=(20, 24, 16))


@pytest.fixture(scope="session")
def data(phantom: Path) -> iac.Data:
    return iac.load_dataset(phantom, layout="decathlon")


@pytest.fixture(scope="session")
def volumes(phantom: Path) -> iac.Data:
    return iac.load_dataset(phantom, layout="decathlon", spatial_dims=3)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, phantom: Path, data: iac.Data) -> Project:
    """Treat it as read-only."""
    runs = tmp_path_factory.mktemp("runs")
    plain = iac.train(unet(), data.train, data.validation, output_dir=runs / "plain", **SHORT)
    genotype = iac.search_cell(
        plain, data.weights, data.architecture, output_dir=runs / "search", **SEARCH
    )
    model = iac.implant(plain, genotype)
    iac.train(model, data.train, data.validation, output_dir=runs / "cell", **SHORT)
    return Project(runs, phantom, data, plain, genotype, model)


@pytest.fixture
def small_genotype() -> iac.Genotype:
    space = SearchSpace(2, operations=("none", "skip_connect", "avg_pool_3x3"), num_nodes=1)
    return random_genotype(space, seed=0)

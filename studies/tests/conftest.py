"""A data set of phantoms and a table of seconds."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from hypothesis_profile import load_profile

from iac_components.data.examples.phantoms import write_phantom
from studies.cell_table.settings import TableSettings, load_settings

load_profile()


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hippocampus")
    write_phantom(folder, layout="decathlon", num_patients=5, seed=0)
    return folder


@pytest.fixture(scope="session")
def tiny() -> TableSettings:
    """The hippocampus table with a backbone of four channels, trained for two steps."""
    content = copy.deepcopy(dict(load_settings("hippocampus").content))
    content["patients"] = {"seed": 0, "test": 2, "site": 1}
    content["site_copies"] = 2
    content["backbone"] = {**content["backbone"], "features": [4, 4, 4, 4, 4, 4]}
    for key in ("backbone_training", "cell_training"):
        content[key] = {**content[key], "steps": 2, "batch_size": 2}
    return TableSettings("hippocampus", content)

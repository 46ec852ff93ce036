"""Phantoms and real datasets that several tests of this folder read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from iac_components.data import write_phantom


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


@pytest.fixture(scope="session")
def real_dataset() -> Callable[[str], Path]:
    """Return a function that gives the folder of a real dataset, or skips the test."""
    root = Path(__file__).parents[2]
    shared = root / os.environ.get("IAC_SHARED", "../shared")

    def find(name: str) -> Path:
        folder = shared / "data" / name
        if not folder.is_dir():
            pytest.skip(f"real dataset {name} is not here; set IAC_SHARED to the folder of data/")
        return folder

    return find

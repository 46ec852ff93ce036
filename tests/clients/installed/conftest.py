"""Real hippocampus volumes, laid out as sites and users have them."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAME = "Task04_Hippocampus"


@pytest.fixture(scope="session")
def volumes() -> Path:
    """The data set's folder, or a skip of the test."""
    folder = ROOT / os.environ.get("IAC_SHARED", "../shared") / "data" / NAME
    if not folder.is_dir():
        pytest.skip(f"real dataset {NAME} is not here; set IAC_SHARED to the folder of data/")
    return folder


@pytest.fixture(scope="session")
def patients(volumes: Path) -> dict[str, list[str]]:
    """The cases of each patient."""
    found: dict[str, list[str]] = {}
    with (volumes / "groups.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            found.setdefault(row["subject_group"], []).append(row["case"])
    return found


@pytest.fixture(scope="session")
def write_part(volumes: Path, patients: dict[str, list[str]]) -> Callable[[Path, int, int], Path]:
    """Return a function that writes a data set of some of the patients, by number."""

    def write(folder: Path, first: int, last: int) -> Path:
        groups = list(patients.items())[first:last]
        cases = [(case, group) for group, cases in groups for case in cases]
        description = json.loads((volumes / "dataset.json").read_text(encoding="utf-8"))
        description["training"] = []
        for part in ("imagesTr", "labelsTr"):
            (folder / part).mkdir(parents=True)
            for case, _ in cases:
                shutil.copy(volumes / part / f"{case}.nii.gz", folder / part)
        for case, _ in cases:
            files = {"image": f"./imagesTr/{case}.nii.gz", "label": f"./labelsTr/{case}.nii.gz"}
            description["training"].append(files)
        description["numTraining"] = len(cases)
        (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
        rows = "".join(f"{case},{group}\n" for case, group in cases)
        (folder / "groups.csv").write_text(f"case,subject_group\n{rows}", encoding="utf-8")
        return folder

    return write

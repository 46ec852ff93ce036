"""A wheel in an empty environment: its commands, its data, and a demo from the first to the last.

No network: the libraries are those of this environment, and the wheel is built from this folder.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools.maintenance.verification.methods.iac_budgets import QUICK, STEPS

ROOT = Path(__file__).parents[3]
SOURCES = ("iac_components", "pyproject.toml", "README.md", "LICENSE")


def words(options, stage="") -> list[str]:
    """Options as ``--set`` takes them."""
    return [f"{stage}{key}={value}" for key, value in options.items()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, since building leaves files behind."""
    source, dist = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    how = ["--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*pip, *how, str(dist), str(source)], check=True)
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, empty, tmp_path_factory):
    """An empty environment with the wheel and nothing of this folder."""
    packages = tmp_path_factory.mktemp("with_wheel")
    environment = type(empty)(packages, tmp_path_factory.mktemp("home"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    yield environment
    environment.close()


def test_it_holds_all_that_the_commands_need_and_is_small(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    folder = ROOT / "iac_components"
    ours = {
        f"iac_components/{path.relative_to(folder).as_posix()}"
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours <= names
    assert not {name for name in names if name.startswith(("tools/", "studies/", "tests/"))}
    assert wheel.stat().st_size < 4_000_000
    (scripts,) = (name for name in names if name.endswith("entry_points.txt"))
    with zipfile.ZipFile(wheel) as archive:
        assert "iac = iac_components.__main__:main" in archive.read(scripts).decode()


def test_the_licence_of_bundles_is_the_project_s():
    ours = ROOT / "iac_components" / "bundling" / "rendering" / "sources" / "LICENSE"
    assert ours.read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_demo_runs(installed):
    tiny = words({"num_workers": 0, **QUICK.networks["unet"]})
    training = {**STEPS, "epochs": 1}
    options = [
        *tiny,
        *words(training, "backbone."),
        *words(QUICK.stages["search"], "search."),
        *words(training, "train."),
    ]
    options = [word.replace("'", '"') for word in options]
    done = installed.python("-m", "iac_components", "demo", "--set", *options)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    out = installed.cwd / "demo_output"
    genotype = json.loads((out / "search" / "genotype.json").read_text(encoding="utf-8"))
    assert genotype["provenance"]["kind"] in ("searched", "undecided")
    # Rendered by the wheel: the bundles of this folder are out of its sight.
    config = out / "bundles" / "hippocampus_unet_iac_segmentation_train" / "configs" / "train.json"
    assert f"--config_file {config}" in done.stdout
    assert str(installed.packages / "iac_components" / "data" / "examples") in done.stdout
    assert len(list((out / "predictions").iterdir())) == 4
    assert (out / "overlay.png").is_file()
    assert "\nThe search's finding: " in done.stdout or "\nThe cell " in done.stdout
    assert done.stdout.count("-m monai.bundle run") == 6
    assert [path.name for path in installed.cwd.iterdir()] == ["demo_output"]

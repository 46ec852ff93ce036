"""Runs of two networks on one data set, and the command that averages them."""

from __future__ import annotations

import pytest
from run_folders import finish


@pytest.fixture
def run(stages, small_hippocampus, tmp_path, monkeypatch):
    """Return a function that lets a combination run into a folder of the test."""
    monkeypatch.chdir(tmp_path)
    stages.real_cases = True

    def call(name, **options) -> None:
        finish(stages, small_hippocampus, tmp_path / name, **options)
        stages.ran.clear()

    return call


@pytest.fixture
def runs(run, stages, tmp_path):
    """A run of slices that is unsure of all foreground, and one of volumes that is sure of it."""
    run("flat", overrides=["mirror=true", "search.epochs=9"])
    run("volumes", network="hippocampus_unet3d")
    stages.confidence = {"flat": 0.4, "volumes": 0.9}
    return tmp_path


@pytest.fixture
def ensemble(iac, runs):
    def call(*words, folders=("flat", "volumes")):
        return iac("ensemble", *folders, "--output_dir", "both", *words)

    return call


@pytest.fixture
def images(tmp_path, small_hippocampus):
    folder = tmp_path / "new"
    folder.mkdir()
    image = min((small_hippocampus / "imagesTr").iterdir())
    (folder / image.name).symlink_to(image)
    return folder

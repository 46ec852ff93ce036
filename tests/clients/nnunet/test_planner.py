"""nnU-Net's own planner gives the patches that plans of this project are compared with."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from decathlon_tasks import TASKS

CASES = 20
HEAD_VOLUME = 0.36  # of a brain tumour's image, once cropped


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """A function that plans a task's fingerprint; returns nnU-Net's configurations."""
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        monkeypatch.setenv(name, str(tmp_path / name))
    planners = "nnunetv2.experiment_planning.experiment_planners.default_experiment_planner"
    planner = importlib.import_module(planners).ExperimentPlanner

    def plan(task):
        folder = Path("Dataset001_task")
        write(tmp_path / "nnUNet_raw" / folder / "dataset.json", dataset(task))
        write(
            tmp_path / "nnUNet_preprocessed" / folder / "dataset_fingerprint.json",
            fingerprint(task),
        )
        return planner(1).plan_experiment()["configurations"]

    return plan


def write(path, content):
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content))


def dataset(task):
    return {
        "channel_names": {str(n): name for n, name in enumerate(task.channels)},
        "labels": {"background": 0, "organ": 1},
        "numTraining": CASES,
        "file_ending": ".nii.gz",
        "overwrite_image_reader_writer": "NibabelIO",
        "dataset": {
            f"case_{n}": {"images": ["image.nii.gz"], "label": "label.nii.gz"} for n in range(CASES)
        },
    }


def fingerprint(task):
    size = [round(n * part) for n, part in zip(task.size, task.cropped, strict=True)]
    intensities = dict.fromkeys(
        ("max", "mean", "median", "min", "percentile_00_5", "percentile_99_5", "std"), 1.0
    )
    return {
        "spacings": [list(task.spacing[::-1])] * CASES,
        "shapes_after_crop": [size[::-1]] * CASES,
        "foreground_intensity_properties_per_channel": {
            str(n): intensities for n in range(len(task.channels))
        },
        "median_relative_size_after_cropping": HEAD_VOLUME if task.nonzero else 1.0,
    }


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_its_patches_are_the_recorded_ones(planned, task):
    found = planned(task)
    assert tuple(found["2d"]["patch_size"][::-1]) == task.patch
    assert tuple(found["3d_fullres"]["patch_size"][::-1]) == task.volume
    windowed = found["2d"]["normalization_schemes"] == ["CTNormalization"] * len(task.channels)
    assert windowed == task.window
    assert found["2d"]["use_mask_for_norm"] == [task.nonzero] * len(task.channels)

"""The ten tasks of the Decathlon by their fingerprints: plans agree with nnU-Net's."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from decathlon_tasks import TASKS, Task
from given_facts import given_facts

from iac_components.bundling.own_data.decisions.dimensions import choose_dimensions, spacing_3d
from iac_components.bundling.own_data.decisions.intensities import choose_voxel_values
from iac_components.bundling.own_data.decisions.memory import bytes_an_image
from iac_components.bundling.own_data.decisions.mirroring import choose_flips
from iac_components.bundling.own_data.decisions.sizes import median_pixels, within_budget
from iac_components.bundling.rendering.facts import load_backbone


def facts_of(task: Task):
    return given_facts(
        channels=task.channels, size=task.size, spacing=task.spacing, cropped=task.cropped
    )


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_plan_agrees_with_nnunets(task):
    facts = facts_of(task)
    backbone = load_backbone("nnunet")
    measure = partial(
        bytes_an_image,
        backbone,
        spacing=facts.spacing,
        channels=len(task.channels),
        classes=2,
        searched=False,
    )
    patch = within_budget(
        median_pixels(facts), backbone, spacing=facts.spacing, bytes_of=measure, budget=8e9
    )
    assert facts.plane.name == "axial"
    assert facts.spacing == task.spacing[:2]
    assert patch == list(task.patch)
    if patch == [512, 512]:
        # nnU-Net's batch of 12 is its reference for 8 GB; here it is measured.
        assert 8e9 // measure(patch) == 12
    assert choose_flips(facts).value == [0.5, 0.5]
    values = choose_voxel_values(facts).value
    assert (values["_target_"] == "ScaleIntensityRanged") == task.window
    assert values.get("nonzero", False) == task.nonzero


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_patches_of_volumes_are_near_nnunets(task):
    # nnU-Net estimates memory from a network's feature maps; here it is measured, and the patch
    # that fits is at most one step of halving smaller.
    found = choose_dimensions(facts_of(task), budget=8e9)
    assert found.suited == 3
    assert 0 < found.memory <= 8e9
    assert 0.75 <= np.prod(found.patch) / np.prod(task.volume) <= 1
    if task.name in ("hippocampus", "liver", "prostate"):
        assert found.patch == task.volume
    coarse = task.spacing[2] > 3 * task.spacing[0]
    assert ("times as coarse" in found.reason) == coarse
    assert ("lower resolution" in found.reason) == (found.covered < 0.25)


def test_pictures_are_two_dimensional():
    assert choose_dimensions(given_facts(size=(256, 256, 1)), budget=8e9).suited == 2


def test_a_coarse_axis_of_few_voxels_gets_its_tenth_percentile():
    spacings = np.array([[0.8, 0.8, z] for z in (1.5, 2.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0)])
    sizes = np.full((10, 3), (512.0, 512.0, 90.0))
    expected = np.percentile(spacings[:, 2], 10)
    assert spacing_3d(spacings, sizes).tolist() == pytest.approx([0.8, 0.8, expected])
    deep = np.full((10, 3), (512.0, 512.0, 400.0))
    assert spacing_3d(spacings, deep)[2] == 5.0

"""The ten tasks of the Decathlon by their fingerprints: plans agree with nnU-Net's.

Fingerprints: median size and voxel size of the training cases, from the supplement of Isensee et
al., Nature Methods 18, 203-211 (2021), table SN1.1 (brain tumours after cropping to what is not
zero); modalities from each task's dataset.json. The patches of the 2-D U-Net are those that nnU-Net
gives for them (arXiv 1809.10486, table 1, for the first seven; the rest are CT of 512 x 512 pixels,
which its rules leave as they are). Both tables were at hand from memory alone: the numbers below
were not compared with them line by line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from given_facts import given_facts

from iac_components.bundling.own_data.decisions.dimensions import choose_dimensions, spacing_3d
from iac_components.bundling.own_data.decisions.intensities import choose_voxel_values
from iac_components.bundling.own_data.decisions.memory import bytes_an_image
from iac_components.bundling.own_data.decisions.mirroring import choose_flips
from iac_components.bundling.own_data.decisions.sizes import median_pixels, within_budget
from iac_components.bundling.rendering.facts import load_backbone

WHOLE = (1.0, 1.0, 1.0)
HEAD = (138 / 240, 169 / 240, 138 / 155)


@dataclass(frozen=True)
class Task:
    """A task's fingerprint, axes right, anterior, superior, and what nnU-Net makes of it."""

    name: str
    channels: tuple[str, ...]
    size: tuple[int, int, int]
    spacing: tuple[float, float, float]
    patch: tuple[int, int]
    window: bool
    cropped: tuple[float, float, float] = WHOLE
    nonzero: bool = False


CT = ("CT",)
TASKS = [
    Task(
        "brain_tumour",
        ("FLAIR", "T1w", "t1gd", "T2w"),
        (240, 240, 155),
        (1, 1, 1),
        (160, 192),
        window=False,
        cropped=HEAD,
        nonzero=True,
    ),
    Task("heart", ("MRI",), (232, 320, 115), (1.25, 1.25, 1.37), (256, 320), window=False),
    Task("liver", CT, (512, 512, 432), (0.77, 0.77, 1), (512, 512), window=True),
    Task("hippocampus", ("MRI",), (35, 50, 36), (1, 1, 1), (40, 56), window=False),
    Task("prostate", ("T2", "ADC"), (319, 320, 20), (0.62, 0.62, 3.6), (320, 320), window=False),
    Task("lung", CT, (512, 512, 252), (0.79, 0.79, 1.24), (512, 512), window=True),
    Task("pancreas", CT, (512, 512, 93), (0.8, 0.8, 2.5), (512, 512), window=True),
    Task("hepatic_vessel", CT, (512, 512, 49), (0.8, 0.8, 5), (512, 512), window=True),
    Task("spleen", CT, (512, 512, 90), (0.79, 0.79, 5), (512, 512), window=True),
    Task("colon", CT, (512, 512, 95), (0.78, 0.78, 5), (512, 512), window=True),
]


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


@pytest.mark.parametrize(
    "task",
    [task for task in TASKS if task.name in ("hippocampus", "prostate", "spleen")],
    ids=lambda task: task.name,
)
def test_three_dimensions_are_told(task):
    found = choose_dimensions(facts_of(task), budget=8e9)
    assert found.suited == 3
    assert 0 < found.memory <= 8e9
    coarse = task.spacing[2] > 3 * task.spacing[0]
    assert ("times as coarse" in found.reason) == coarse
    assert ("lower resolution" in found.reason) == (found.covered < 0.25)
    if task.name == "hippocampus":
        assert found.patch == (40, 56, 40)


def test_pictures_are_two_dimensional():
    assert choose_dimensions(given_facts(size=(256, 256, 1)), budget=8e9).suited == 2


def test_a_coarse_axis_of_few_voxels_gets_its_tenth_percentile():
    spacings = np.array([[0.8, 0.8, z] for z in (1.5, 2.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0)])
    sizes = np.full((10, 3), (512.0, 512.0, 90.0))
    expected = np.percentile(spacings[:, 2], 10)
    assert spacing_3d(spacings, sizes).tolist() == pytest.approx([0.8, 0.8, expected])
    deep = np.full((10, 3), (512.0, 512.0, 400.0))
    assert spacing_3d(spacings, deep)[2] == 5.0

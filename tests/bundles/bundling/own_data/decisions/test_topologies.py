"""Plans of topology searches: volumes, as a supernet sees them."""

from __future__ import annotations

import math

import pytest
from given_facts import given_facts

from iac_components.bundling.own_data import make_topology_choices, networks_of
from iac_components.bundling.own_data.decisions import topologies
from iac_components.data import DatasetError
from iac_components.dints import DintsSearchNetwork, DintsSpace
from iac_components.networks import kept_bytes


@pytest.fixture
def ten_kilobytes(monkeypatch):
    """Count voxels rather than measure."""
    monkeypatch.setattr(topologies, "_bytes_a_voxel", lambda *_: 10_000.0)


def decided(*, memory: float = 8.0, **facts):
    made = make_topology_choices(given_facts(**facts), memory=memory)
    return {choice.key: choice for choice in made}


def test_every_decision_has_a_reason_a_source_and_three_axes(ten_kilobytes):
    made = decided(spacing=(1, 1, 2), size=(60, 60, 40), channels=("T1", "T2"))
    assert all(choice.reason and choice.source for choice in made.values())
    assert made["pixdim"].value == [1, 1, 2]
    assert made["in_channels"].value == 2
    assert made["flip_probabilities"].value == [0.5, 0.5, 0.5]
    assert made["batch_size"].value == {"search": 2, "train": 2}
    assert not {"field_of_view", "empty_fraction"} & set(made)


@pytest.mark.parametrize(
    ("size", "depths", "patch"),
    [
        ((36, 50, 35), 4, [48, 64, 48]),
        ((36, 50, 31), 3, [40, 56, 32]),
        ((36, 50, 9), 3, [40, 56, 16]),
    ],
)
def test_as_many_resolutions_as_leave_two_voxels_of_the_median(ten_kilobytes, size, depths, patch):
    made = decided(size=size)
    assert made["num_depths"].value == {"search": depths}
    space = topologies.space_of(depths)
    space.check_patch(made["patch_size"].value)
    assert made["patch_size"].value == patch


@pytest.mark.parametrize("memory", [2.0, 8.0])
def test_two_patches_of_the_supernet_fit_into_the_memory(ten_kilobytes, memory):
    made = decided(size=(300, 300, 200), memory=memory)
    voxels = math.prod(made["patch_size"].value)
    assert memory / 2 < 2 * voxels * 10_000 / 1e9 <= memory
    assert f"two fit into {memory:g} GB" in made["patch_size"].reason


def test_a_supernet_that_does_not_fit_names_its_levers(ten_kilobytes):
    made = decided(size=(300, 300, 200), memory=0.1)
    assert made["patch_size"].value == [32, 32, 32]
    assert "no two fit into 0.1 GB" in made["patch_size"].reason
    assert made["batch_size"].value == {"search": 1, "train": 1}
    assert "search.channel_mul" in made["batch_size"].reason


def test_memory_of_a_supernet_is_proportional_to_its_patch():
    space = DintsSpace(num_blocks=2, num_depths=2, channel_mul=0.25)
    supernet = DintsSearchNetwork(space, in_channels=2, out_channels=3)
    patch = (16, 24, 32)
    measured = kept_bytes(supernet.train(), (1, 2, *patch))
    estimate = topologies._bytes_a_voxel(space, 2, 3) * math.prod(patch)
    assert estimate == pytest.approx(measured, rel=0.03)


def test_left_and_right_are_not_mirrored(ten_kilobytes):
    made = decided(classes=("left_kidney", "right_kidney"))["flip_probabilities"]
    assert made.value == [0.0, 0.5, 0.5]


def test_thin_volumes_are_refused():
    with pytest.raises(DatasetError, match=r"64 x 64 x 4 voxels, too thin .* --backbone unet"):
        decided(size=(64, 64, 4))


def test_too_few_patients_are_refused():
    with pytest.raises(DatasetError, match=r"3 patients are too few for --method dints, .* 4"):
        decided(volumes=3)


@pytest.mark.parametrize("dimensions", [None, "3"])
def test_a_topology_search_has_one_network(dimensions):
    assert networks_of(None, method="dints", dimensions=dimensions, memory=8.0) == ["dints"]


@pytest.mark.parametrize(
    ("backbone", "dimensions", "message"),
    [
        ("unet", None, "--backbone unet: .* has none. Leave one of the two out"),
        (None, "2", "--dimensions 2: .* volumes alone. Leave --dimensions out"),
        (None, "auto", "--dimensions auto: "),
        (None, "both", "--dimensions both: "),
    ],
)
def test_what_a_topology_search_cannot_have_is_refused(backbone, dimensions, message):
    with pytest.raises(ValueError, match=message):
        networks_of(backbone, method="dints", dimensions=dimensions, memory=8.0)

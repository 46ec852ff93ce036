"""Plans of networks that see volumes, and the choice between slices and volumes."""

from __future__ import annotations

import math

import pytest
from given_facts import given_facts

from iac_components.bundling.own_data import config_of, make_choices, networks_of
from iac_components.bundling.own_data.decisions.dimensions import Dimensions
from iac_components.bundling.rendering.facts import VOLUMES, known, load_backbone
from iac_components.data import DatasetError
from iac_components.networks import plan_nnunet

DECISIONS = "iac_components.bundling.own_data.decisions"


@pytest.fixture(autouse=True)
def linear_memory(monkeypatch):
    """Count voxels rather than measure: a supernet takes ten times a plain network."""

    def bytes_of(backbone, patch, *, searched, **_):
        return (10 if searched else 1) * 1000 * math.prod(patch)

    monkeypatch.setattr(f"{DECISIONS}.volumes.bytes_an_image", bytes_of)


def decided(backbone: str = "unet3d", *, memory: float = 8.0, **facts):
    made = make_choices(given_facts(**facts), load_backbone(backbone), memory=memory)
    return {choice.key: choice for choice in made}


def test_every_decision_has_a_reason_a_source_and_three_axes():
    made = decided(spacing=(1, 1, 2), size=(60, 60, 30))
    assert all(choice.reason and choice.source for choice in made.values())
    assert made["pixdim"].value == [1, 1, 2]
    assert made["flip_probabilities"].value == [0.5, 0.5, 0.5]
    assert made["patches_per_volume"].value == {"search": 1, "train": 1}
    assert not {"field_of_view", "empty_fraction"} & set(made)


@pytest.mark.parametrize(
    ("backbone", "patch"),
    [
        ("unet3d", [48, 64, 48]),
        ("segresnet3d", [40, 56, 40]),
        ("nnunet3d", [40, 56, 40]),
        # Halved five times, to two voxels a side at least.
        ("swinunetr3d", [64, 64, 64]),
    ],
)
def test_hippocampus_gets_the_patch_that_nnunet_publishes(backbone, patch):
    """40 x 56 x 40 voxels, rounded up to what a backbone halves."""
    assert decided(backbone, size=(36, 50, 35))["patch_size"].value == patch


@pytest.mark.parametrize("backbone", known(VOLUMES / "backbones"))
def test_two_patches_fit_into_the_memory(backbone):
    made = decided(backbone, size=(300, 300, 200), memory=2.0)
    patch = made["patch_size"].value
    assert 0.5e9 < 2 * 1000 * math.prod(patch) <= 2e9
    if backbone == "nnunet3d":
        assert plan_nnunet(patch, spacing=made["pixdim"].value)


def test_a_larger_memory_gives_a_larger_patch():
    small, large = (
        math.prod(decided(size=(300, 300, 200), memory=gb)["patch_size"].value) for gb in (1, 4)
    )
    assert small < large


def test_a_search_that_does_not_fit_names_its_levers():
    batch = decided(size=(300, 300, 200), memory=2.0)["batch_size"]
    assert batch.value == {"search": 1, "train": 2}
    assert "search.checkpointing=true" in batch.reason
    assert "search.channel_divisor" in batch.reason
    assert "checkpointing" not in decided(size=(36, 50, 35))["batch_size"].reason


def test_left_and_right_are_not_mirrored():
    made = decided(classes=("left_kidney", "right_kidney"))["flip_probabilities"]
    assert made.value == [0.0, 0.5, 0.5]


def test_brains_count_without_their_zeros():
    made = decided(size=(160, 160, 160), cropped=(0.5, 0.5, 0.5))["patch_size"]
    assert made.value == [80, 80, 80]
    assert "without its zeros" in made.reason


def test_thin_volumes_are_refused():
    with pytest.raises(DatasetError, match=r"64 x 64 x 4 voxels, too thin .* --backbone unet"):
        decided(size=(64, 64, 4))


def test_volumes_stay_in_their_orientation():
    facts = given_facts(plane="sagittal")
    volumes = config_of("mine", make_choices(facts, load_backbone("unet3d")), facts, spatial_dims=3)
    assert not [key for keys in volumes["by_stage"].values() for key in keys if "axcodes" in key]
    slices = config_of("mine", [], facts)
    assert any("axcodes" in key for keys in slices["by_stage"].values() for key in keys)


@pytest.mark.parametrize(
    ("backbone", "dimensions", "advised", "expected"),
    [
        (None, None, 3, ["unet"]),
        ("nnunet3d", None, 2, ["nnunet3d"]),
        (None, "3", 2, ["unet3d"]),
        ("nnunet3d", "2", 3, ["nnunet"]),
        (None, "auto", 3, ["unet3d"]),
        (None, "auto", 2, ["unet"]),
        ("nnunet", "both", 2, ["nnunet", "nnunet3d"]),
    ],
)
def test_networks_by_dimensions(monkeypatch, backbone, dimensions, advised, expected):
    found = Dimensions(3, advised)
    monkeypatch.setattr(f"{DECISIONS}.networks.choose_dimensions", lambda facts, budget: found)
    made = networks_of(backbone, dimensions=dimensions, facts=given_facts(), memory=8.0)
    assert made == expected


def test_images_of_one_slice_have_no_3d_plan():
    facts = given_facts(size=(64, 64, 1))
    assert networks_of(None, dimensions="both", facts=facts, memory=8.0) == ["unet"]


@pytest.mark.parametrize(
    ("backbone", "dimensions", "fitting"),
    [
        ("resnet", "3", "nnunet3d, segresnet3d, swinunetr3d, unet3d"),
        ("segresnet3d", "2", "efficientnet, nnu"),
        ("swinunetr3d", "2", "efficientnet, nnu"),
    ],
)
def test_a_backbone_without_a_twin_is_refused(backbone, dimensions, fitting):
    with pytest.raises(ValueError, match=f"'{backbone}' has no twin .* Pass one of {fitting}"):
        networks_of(backbone, dimensions=dimensions, memory=8.0)

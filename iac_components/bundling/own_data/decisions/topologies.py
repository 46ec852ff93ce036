"""Values of the configs of a topology search (DiNTS), by nnU-Net's 3-D rules for its supernet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch

from iac_components.bundling.own_data.decisions.labels import choose_folds
from iac_components.bundling.own_data.decisions.memory import GIGABYTE
from iac_components.bundling.own_data.decisions.rule import OURS, Choice
from iac_components.bundling.own_data.decisions.sizes import within_budget
from iac_components.bundling.own_data.decisions.volumes import MOST_IN_A_BATCH, VolumeFrame
from iac_components.bundling.own_data.reading.facts import DatasetFacts
from iac_components.bundling.rendering.facts import DINTS, BackboneSource, read_json
from iac_components.data import DatasetError
from iac_components.dints import DintsSearchNetwork, DintsSpace
from iac_components.networks import kept_bytes

__all__ = ["make_topology_choices", "space_of"]

FEWEST_PATIENTS = 4
"""One to test, one to validate, and one for each half of the search, which validates as it goes."""

DEPTHS = (4, 3)
"""Resolutions of a space, the largest first (our choice; DiNTS searches 4)."""


def make_topology_choices(facts: DatasetFacts, *, memory: float) -> list[Choice]:
    """Decide every value that depends on the data set, for a search of whole 3-D networks.

    The supernet decides what fits: no network that is found keeps as much.

    Args:
        facts: of the data set.
        memory: gigabytes for what the search keeps for the backward pass.

    Raises:
        DatasetError: if the patients are too few, the volumes too thin, or the grey values within
            a CT's labels leave no window.
    """
    if facts.num_patients < FEWEST_PATIENTS:
        raise DatasetError(
            f"'{facts.dataset_dir}': {facts.num_patients} patients are too few for --method dints, "
            f"which needs {FEWEST_PATIENTS}: to test, to validate, and for both halves of the "
            "search. Without --method, cells are planned, for which 3 are enough."
        )
    frame = VolumeFrame.of(facts, network="dints")
    depths = next((n for n in DEPTHS if _least_side(n) <= min(frame.median)), DEPTHS[-1])
    space, budget = space_of(depths), memory * GIGABYTE
    a_voxel = _bytes_a_voxel(space, facts.geometry.num_channels, len(facts.classes.names) + 1)

    def bytes_of(patch: Sequence[int]) -> int:
        return math.ceil(a_voxel * math.prod(patch))

    patch = within_budget(
        frame.largest_patch,
        BackboneSource({"definition": {}}, {"size_divisor": space.size_multiple}, 3),
        spacing=frame.spacing,
        bytes_of=bytes_of,
        budget=budget,
    )
    reason = (
        f"resolutions; 4 need {_least_side(DEPTHS[0])} voxels a side, and the median volume has "
        f"{min(frame.median)}"
    )
    return [
        *frame.choices(patch, kept=bytes_of(patch), memory=memory),
        Choice("num_depths", {"search": depths}, reason, OURS, by_stage=True),
        _batch_size(bytes_of(patch), budget=budget),
        choose_folds(facts),
    ]


def space_of(num_depths: int) -> DintsSpace:
    """Return the space that the search bundles take, with so many resolutions."""
    template = read_json(DINTS / "search" / "search.json")
    return DintsSpace(
        num_blocks=int(str(template["num_blocks"])),
        num_depths=num_depths,
        use_downsample=bool(template["use_downsample"]),
        channel_mul=float(str(template["channel_mul"])),
    )


def _least_side(num_depths: int) -> int:
    """Voxels of a side of which two are left at the coarsest resolution."""
    return 2 * space_of(num_depths).size_multiple


@lru_cache(maxsize=8)
def _bytes_a_voxel(space: DintsSpace, channels: int, classes: int) -> float:
    """Bytes that the supernet keeps for the backward pass, in float32, for each voxel of a patch.

    Measured on the smallest patch: all features are proportional to it.
    """
    with torch.random.fork_rng(devices=[]):
        supernet = DintsSearchNetwork(space, in_channels=channels, out_channels=classes)
    patch = [2 * space.size_multiple] * 3
    return kept_bytes(supernet.train(), (1, channels, *patch)) / math.prod(patch)


def _batch_size(kept: int, *, budget: float) -> Choice:
    """Two, or one where not even two patches of the smallest size fit."""
    size = max(1, min(int(budget // kept), MOST_IN_A_BATCH))
    reason = (
        f"a patch keeps {kept / 1e6:.0f} MB in the supernet (measured, float32), less in the "
        f"network found; at most {MOST_IN_A_BATCH}"
    )
    if kept > budget:
        reason += (
            "; one does not fit: pass --set search.channel_mul=0.25 (fewer channels), or a smaller "
            "search.num_blocks"
        )
    return Choice("batch_size", {"search": size, "train": size}, reason, OURS, by_stage=True)

"""Values of the configs of networks that see volumes, by nnU-Net's 3-D rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np

from iac_components.bundling.own_data.decisions.criterion import choose_criterion
from iac_components.bundling.own_data.decisions.dimensions import START, spacing_3d
from iac_components.bundling.own_data.decisions.intensities import choose_voxel_values
from iac_components.bundling.own_data.decisions.labels import choose_classes, choose_folds
from iac_components.bundling.own_data.decisions.memory import GIGABYTE, bytes_an_image
from iac_components.bundling.own_data.decisions.mirroring import choose_volume_flips
from iac_components.bundling.own_data.decisions.rule import NNUNET, OURS, Choice
from iac_components.bundling.own_data.decisions.sizes import (
    CROPPED,
    FEWEST_IN_A_BATCH,
    within_budget,
)
from iac_components.bundling.own_data.reading.facts import DatasetFacts
from iac_components.bundling.rendering.facts import BackboneSource
from iac_components.data import DatasetError

__all__ = ["MOST_IN_A_BATCH", "VolumeFrame", "make_volume_choices"]

MOST_IN_A_BATCH = 2
"""Batch size that the learning rates of networks of volumes were chosen with (our choice)."""

SEARCH_STEPS = 50
THINNEST = 8
"""Voxels along each axis under which a volume is too thin for a network of volumes (our choice)."""


@dataclass(frozen=True)
class VolumeFrame:
    """Sizes of a data set as a network of volumes sees it.

    Attributes:
        facts: of the data set.
        spacing: voxel size in mm.
        median: voxels of the median volume at that spacing.
    """

    facts: DatasetFacts
    spacing: list[float]
    median: list[int]

    @classmethod
    def of(cls, facts: DatasetFacts, *, network: str) -> VolumeFrame:
        """Measure a data set.

        Args:
            facts: of the data set.
            network: its name, for the message.

        Raises:
            DatasetError: if the volumes are too thin.
        """
        found = spacing_3d(facts.geometry.spacing, facts.geometry.size)
        spacing = [float(f"{size:.4g}") for size in found]
        median = _median_voxels(facts, spacing)
        if min(median) < THINNEST:
            raise DatasetError(
                f"'{facts.dataset_dir}': the median volume has {_times(median)} voxels, too thin "
                f"for the 3-D network '{network}'. Pass a 2-D one, such as --backbone unet."
            )
        return cls(facts, spacing, median)

    @property
    def largest_patch(self) -> list[int]:
        """As many voxels as 256 cubed, of equal sides in mm, at most the median volume."""
        inverse = 1 / np.asarray(self.spacing)
        sides = np.round(inverse * (START / np.prod(inverse)) ** (1 / 3))
        return [int(side) for side in np.maximum(1, np.minimum(sides, self.median))]

    def choices(self, patch: list[int], *, kept: int, memory: float) -> list[Choice]:
        """Decide what does not depend on the network but for its patch.

        Args:
            patch: voxels.
            kept: bytes that the patch was planned with.
            memory: gigabytes that there are.
        """
        return [
            *choose_classes(self.facts),
            Choice(
                "pixdim", self.spacing, "median mm; 10 % along a coarse axis of few voxels", NNUNET
            ),
            Choice("patch_size", patch, self._patch_reason(patch, kept, memory), NNUNET),
            choose_volume_flips(self.facts),
            choose_voxel_values(self.facts),
        ]

    def _patch_reason(self, patch: Sequence[int], kept: int, memory: float) -> str:
        cropped = " without its zeros" if self.facts.images.cropped_share < CROPPED else ""
        share = np.prod(np.minimum(patch, self.median)) / np.prod(self.median)
        fit = "two fit" if FEWEST_IN_A_BATCH * kept <= memory * GIGABYTE else "no two fit"
        return (
            f"holds {share:.0%} of the median volume{cropped}, {_times(self.median)} voxels; {fit} "
            f"into {memory:g} GB"
        )


def make_volume_choices(
    facts: DatasetFacts, backbone: BackboneSource, *, memory: float
) -> list[Choice]:
    """Decide every value that depends on the data set, for a network that sees volumes.

    Args:
        facts: of the data set.
        backbone: the network.
        memory: gigabytes for what training keeps for the backward pass.

    Raises:
        DatasetError: if the volumes are too thin, or the grey values within a CT's labels leave
            no window.
    """
    frame = VolumeFrame.of(facts, network=backbone.name)
    measure = partial(
        bytes_an_image,
        backbone,
        spacing=frame.spacing,
        channels=facts.geometry.num_channels,
        classes=len(facts.classes.names) + 1,
    )
    patch = within_budget(
        frame.largest_patch,
        backbone,
        spacing=frame.spacing,
        bytes_of=partial(measure, searched=False),
        budget=memory * GIGABYTE,
    )
    kept = {name: measure(patch, searched=name == "search") for name in ("search", "train")}
    folds = choose_folds(facts)
    return [
        *frame.choices(patch, kept=kept["train"], memory=memory),
        _batch_size(kept, budget=memory * GIGABYTE),
        Choice(
            "patches_per_volume",
            {"search": 1, "train": 1},
            "of every volume, once an epoch",
            OURS,
            by_stage=True,
        ),
        Choice("steps_per_epoch", {"search": SEARCH_STEPS}, "of the search", OURS, by_stage=True),
        choose_criterion(facts, cast(int, folds.value)),
        folds,
    ]


def _median_voxels(facts: DatasetFacts, spacing: Sequence[float]) -> list[int]:
    """Median size of the volumes at the target spacing, of what is not zero in brains."""
    extent = np.median(facts.geometry.size * facts.geometry.spacing / np.asarray(spacing), axis=0)
    if facts.images.cropped_share < CROPPED:
        extent = extent * np.asarray(facts.images.cropped_size)
    return [max(1, math.ceil(side)) for side in extent.round(3)]


def _batch_size(kept: dict[str, int], *, budget: float) -> Choice:
    """As many as fit, 2 at most; one where not even two supernets of the search do."""
    sizes = {
        stage: max(1, min(int(budget // taken), MOST_IN_A_BATCH)) for stage, taken in kept.items()
    }
    taken = ", ".join(f"{stage} {size / 1e6:.0f} MB" for stage, size in kept.items())
    reason = f"a patch keeps {taken} (measured, float32); at most {MOST_IN_A_BATCH}"
    if kept["search"] > budget:
        reason += (
            "; one of the search does not fit: pass --set search.checkpointing=true, or a larger "
            "search.channel_divisor"
        )
    return Choice("batch_size", sizes, reason, OURS, by_stage=True)


def _times(sides: Sequence[int]) -> str:
    return " x ".join(map(str, sides))

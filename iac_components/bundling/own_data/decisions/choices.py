"""Every value of the configs that depends on the data set, in the order of the table.

Sources: nnU-Net is Isensee et al., Nature Methods 18, 203-211 (2021), and its code of version 2
(``default_experiment_planner.py``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import cast

from iac_components.bundling.own_data.decisions.criterion import choose_criterion
from iac_components.bundling.own_data.decisions.intensities import choose_voxel_values
from iac_components.bundling.own_data.decisions.labels import choose_classes, choose_folds
from iac_components.bundling.own_data.decisions.memory import GIGABYTE, bytes_an_image
from iac_components.bundling.own_data.decisions.mirroring import choose_flips
from iac_components.bundling.own_data.decisions.rule import NNUNET, OURS, Choice
from iac_components.bundling.own_data.decisions.sizes import (
    CROPPED,
    FEWEST_IN_A_BATCH,
    divisor_of,
    median_pixels,
    view_of,
    within_budget,
)
from iac_components.bundling.own_data.decisions.volumes import make_volume_choices
from iac_components.bundling.own_data.reading.facts import DatasetFacts
from iac_components.bundling.own_data.reading.planes import Plane
from iac_components.bundling.rendering.facts import IAC, STAGES, BackboneSource, Facts, read_json

__all__ = ["config_of", "make_choices"]

EMPTY_TO_FILLED = 1 / 3
MOST_IN_A_BATCH = {"search": 8, "train": 16}
"""Batch sizes that the bundles' learning rates were chosen with (our choice)."""

SHARE_IN_A_BATCH = 0.05
"""Most of the data set's pixels in a batch (nnU-Net)."""

SEARCH_STEPS = 50


def make_choices(
    facts: DatasetFacts, backbone: BackboneSource, *, memory: float = 8.0
) -> list[Choice]:
    """Decide every value that depends on the data set.

    Args:
        facts: of the data set.
        backbone: the network.
        memory: gigabytes for what training keeps for the backward pass.

    Raises:
        DatasetError: if the grey values within a CT's labels leave no window.
    """
    if backbone.spatial_dims == 3:
        return make_volume_choices(facts, backbone, memory=memory)
    pixels = median_pixels(facts)
    measure = partial(
        bytes_an_image,
        backbone,
        spacing=facts.spacing,
        channels=facts.geometry.num_channels,
        classes=len(facts.classes.names) + 1,
    )
    budget = memory * GIGABYTE
    patch = within_budget(
        pixels,
        backbone,
        spacing=facts.spacing,
        bytes_of=partial(measure, searched=False),
        budget=budget,
    )
    folds = choose_folds(facts)
    return [
        *choose_classes(facts),
        Choice(
            "pixdim",
            [*facts.spacing, -1.0],
            "pixels, which state no size"
            if facts.are_pictures
            else f"median mm within {facts.plane.name} slices, not resampled across them",
            NNUNET,
        ),
        _patch(facts, patch, pixels, backbone, memory),
        _field_of_view(facts, patch, backbone),
        _empty_fraction(facts),
        choose_flips(facts),
        choose_voxel_values(facts),
        _batch_size(
            facts,
            patch,
            {
                "search": measure(patch, searched=True),
                "train": measure(patch, searched=False),
            },
            budget,
        ),
        Choice(
            "steps_per_epoch",
            {"search": SEARCH_STEPS},
            "of the search; training sees every slice once an epoch",
            OURS,
            by_stage=True,
        ),
        choose_criterion(facts, cast(int, folds.value)),
        folds,
    ]


def config_of(
    name: str, choices: Sequence[Choice], facts: DatasetFacts, *, spatial_dims: int = 2
) -> Facts:
    """Return the keys of the configs as a data set's source file holds them.

    Args:
        name: of the data set.
        choices: the values.
        facts: of the data set.
        spatial_dims: of the network; volumes stay in RAS orientation, slices lie in their plane.
    """
    by_stage: dict[str, Facts] = {
        stage: _orientation(stage, facts.plane) if spatial_dims == 2 else {} for stage in STAGES
    }
    common: Facts = {}
    for choice in choices:
        if choice.by_stage:
            for stage, value in cast(Facts, choice.value).items():
                by_stage[stage][choice.key] = value
        else:
            common[choice.key] = choice.value
    return {
        "dataset_name": name,
        "layout": facts.layout,
        **common,
        "dataset_dir": f"$@bundle_root + '/data/{name}'",
        "by_stage": by_stage,
    }


def _patch(
    facts: DatasetFacts,
    patch: list[int],
    pixels: tuple[int, int],
    backbone: BackboneSource,
    memory: float,
) -> Choice:
    cropped = facts.images.cropped_share < CROPPED
    what = "median slice without its zeros" if cropped else "median slice"
    fits = all(side >= pixel for side, pixel in zip(patch, pixels, strict=True))
    end = f"rounded up for {backbone.name}" if fits else f"made to fit {memory:g} GB"
    return Choice("patch_size", patch, f"{what}, {pixels[0]} x {pixels[1]} pixels, {end}", NNUNET)


def _field_of_view(facts: DatasetFacts, patch: list[int], backbone: BackboneSource) -> Choice:
    view, beyond = view_of(facts, patch, steps=divisor_of(backbone, patch, facts.spacing))
    reason = "the patch, and wider where labels lie further out; patches are cut from it"
    if beyond:
        reason = f"{reason}; {beyond} of {len(facts.cases)} cases have labels beyond it"
    return Choice("field_of_view", [*view, -1], reason, OURS)


def _empty_fraction(facts: DatasetFacts) -> Choice:
    """Keep so many slices without foreground that they are a quarter of all.

    Enough to learn what background looks like, and not so many that the classes drown in it
    (nnU-Net oversamples foreground to the same end).
    """
    filled = facts.labels.filled_share[facts.plane.axis]
    empty = 1 - filled
    kept = 1.0 if empty * 3 <= filled else _down(filled * EMPTY_TO_FILLED / empty)
    reason = f"{filled:.0%} of the slices hold foreground; empty ones become a quarter at most"
    return Choice("empty_fraction", kept, reason, OURS)


def _down(share: float) -> float:
    """To three digits after the point, rounded down, and not to nothing."""
    return max(0.001, math.floor(share * 1000) / 1000)


def _batch_size(
    facts: DatasetFacts, patch: Sequence[int], measured: dict[str, int], budget: float
) -> Choice:
    """As many as fit, at most 5 % of the data set's pixels, and what rates were chosen with."""
    axes = list(facts.plane.in_plane)
    extent = facts.geometry.size[:, axes] * facts.geometry.spacing[:, axes] / facts.spacing
    pixels = float((extent.prod(axis=1) * facts.geometry.size[:, facts.plane.axis]).sum())
    share = round(SHARE_IN_A_BATCH * pixels / math.prod(patch))
    sizes = {
        stage: max(FEWEST_IN_A_BATCH, min(int(budget // taken), share, MOST_IN_A_BATCH[stage]))
        for stage, taken in measured.items()
    }
    taken = ", ".join(f"{stage} {size / 1e6:.0f} MB" for stage, size in measured.items())
    fit = " and ".join(str(int(budget // size)) for size in measured.values())
    reason = (
        f"an image keeps {taken} (measured, float32), so that {fit} fit into {budget / 1e9:g} GB; "
        f"5 % of all pixels are {share}; at most {MOST_IN_A_BATCH['search']} and "
        f"{MOST_IN_A_BATCH['train']}, which the learning rates are for"
    )
    if budget // measured["search"] < FEWEST_IN_A_BATCH:
        reason += "; two of the search do not fit: pass --set search.checkpointing=true"
    return Choice("batch_size", sizes, reason, f"{NNUNET}, {OURS}", by_stage=True)


def _orientation(stage: str, plane: Plane) -> Facts:
    """Return the keys that make the last axis of a stage's volumes run across the slices."""
    template = read_json(IAC / stage / f"{stage}.json")
    return {
        f"{where}#axcodes": plane.axcodes
        for where, step in _components(template, "")
        if step.get("_target_") == "Orientationd" and step["axcodes"] != plane.axcodes
    }


def _components(value: object, where: str) -> list[tuple[str, Facts]]:
    """All objects below a value, with their ids in the config."""
    items: list[tuple[object, object]] = []
    found: list[tuple[str, Facts]] = []
    if isinstance(value, dict):
        found.append((where, value))
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, item in items:
        found += _components(item, f"{where}#{key}" if where else str(key))
    return found

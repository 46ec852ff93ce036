"""Choice of the axes of a slice or volume that may be mirrored in training."""

from __future__ import annotations

import re
from collections.abc import Sequence

from iac_components.bundling.own_data.decisions.rule import NNUNET, OURS, Choice
from iac_components.bundling.own_data.reading.facts import DatasetFacts

__all__ = ["choose_flips", "choose_volume_flips", "mirrored_pair"]

_OTHER_SIDE = {"left": "right", "right": "left", "l": "r", "r": "l", "lt": "rt", "rt": "lt"}

_OF_THE_HEART = frozenset(("myocardium", "aorta", "ventricle_myocardium", "heart"))
_CHAMBERS = frozenset(("ventricle", "atrium", "ventricular", "atrial"))
"""The heart's chambers are called left and right, and are no mirror images of each other."""


def mirrored_pair(names: Sequence[str]) -> tuple[str, str] | None:
    """Two classes that are left and right of one name; None if there are none."""
    known = set(names)
    heart = any(set(re.split(r"_", name)) & _OF_THE_HEART for name in names)
    for name in names:
        words = name.split("_")
        if heart and set(words) & _CHAMBERS:
            continue
        for place, word in enumerate(words):
            other = _OTHER_SIDE.get(word)
            if other is None:
                continue
            twin = "_".join([*words[:place], other, *words[place + 1 :]])
            if twin in known:
                return name, twin
    return None


def choose_flips(facts: DatasetFacts) -> Choice:
    """Mirror along both axes, but not left and right where two classes are told apart by that.

    nnU-Net mirrors along all axes always.
    """
    pair = mirrored_pair(facts.classes.names)
    flips = [0.5, 0.5]
    if pair is None:
        return Choice("flip_probabilities", flips, "both axes are mirrored", NNUNET)
    names = f"{pair[0]} and {pair[1]} are mirror images"
    if 0 not in facts.plane.in_plane:
        reason = f"{names}, but {facts.plane.name} slices show one side at a time"
        return Choice("flip_probabilities", flips, reason, OURS)
    flips[facts.plane.in_plane.index(0)] = 0.0
    return Choice("flip_probabilities", flips, f"{names}: left and right are not mirrored", OURS)


def choose_volume_flips(facts: DatasetFacts) -> Choice:
    """Mirror volumes along all axes, but not left and right where two classes differ by that."""
    pair = mirrored_pair(facts.classes.names)
    if pair is None:
        return Choice("flip_probabilities", [0.5] * 3, "all axes are mirrored", NNUNET)
    reason = f"{pair[0]} and {pair[1]} are mirror images: left and right are not mirrored"
    return Choice("flip_probabilities", [0.0, 0.5, 0.5], reason, OURS)

"""Description that a data set gives of itself: classes, channels, terms of use.

``dataset.json`` in both spellings, the Decathlon's (``"labels": {"0": "background"}``,
``modality``) and nnU-Net v2's (``"labels": {"background": 0}``, ``channel_names``); the fields of
Auto3DSeg's files; of ACDC, BraTS and KiTS, which say nothing, what this collection knows of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from iac_components.bundling.rendering.facts import IAC, Facts, known, load_dataset
from iac_components.data.faults import Fault, raise_faults
from iac_components.data.layouts.described.dataset_json import JSON_NAME, read_dataset_json
from iac_components.data.layouts.general.auto3dseg import read_input
from iac_components.data.layouts.general.label_classes import LabelClasses, parse_labels

__all__ = ["NOT_STATED", "DatasetDescription", "modality_of", "plain_text", "read_description"]

NOT_STATED = "not stated"
CORRECT = f"Correct {JSON_NAME}."

MODALITY_WORDS = {
    "CT": ("ct", "cta", "cect", "ncct", "computed tomography"),
    "MR": (
        *("mr", "mri", "t1", "t1w", "t1c", "t1ce", "t1gd", "t2", "t2w", "flair", "adc", "dwi"),
        "magnetic resonance",
    ),
    "PET": ("pet", "suv", "positron emission tomography"),
    "US": ("us", "ultrasound"),
}
"""Words in a channel's name that tell its modality."""

_NO_HOUNSFIELD = ("cbct", "cone", "dect", "spect", "emission")
"""Words beside which "CT" means no Hounsfield units."""


@dataclass(frozen=True)
class DatasetDescription:
    """Description that a data set gives of itself.

    Attributes:
        classes: foreground classes, their values and regions; None where it states none.
        channel_names: names of an image's channels, as stated; None where it states nothing.
        terms: ``licence``, ``release`` and ``reference``, each as stated or "not stated".
        file: where it is stated, for reasons.
    """

    classes: LabelClasses | None
    channel_names: tuple[str, ...] | None
    terms: Mapping[str, str]
    file: str = JSON_NAME


def read_description(dataset: Path, *, layout: str) -> DatasetDescription:
    """Read what a data set states.

    Args:
        dataset: its folder, or the file that stands for it.
        layout: how it lies there.

    Raises:
        DatasetError: if ``dataset.json`` is missing where the layout needs it, or malformed, or if
            the channels are not numbered from 0 on; all at once.
    """
    if layout in known(IAC / "datasets"):
        return _of_collection(layout)
    content: Mapping[str, object] = {}
    file = dataset / JSON_NAME
    if layout == "auto3dseg":
        content, _, file = read_input(dataset)
    elif layout != "folder_pair" or file.is_file():
        content = read_dataset_json(dataset, folder_name="data set's")
    faults: list[Fault] = []
    optional = layout in ("auto3dseg", "folder_pair")
    classes = _classes(content.get("labels"), faults, optional=optional)
    channels = _channels(content, faults, optional=optional)
    raise_faults(faults, subject=f"'{file}'")
    stated = {
        "licence": content.get("licence", content.get("license")),
        "release": content.get("release"),
        "reference": content.get("reference"),
    }
    terms = {key: plain_text(value) for key, value in stated.items()}
    return DatasetDescription(classes, channels, terms, file.name)


def modality_of(channel_name: str) -> str:
    """Return the modality of a channel by its name."""
    words = re.findall(r"[a-z0-9]+", channel_name.casefold())
    text = f" {' '.join(words)} "
    told = [
        modality
        for modality, known_words in MODALITY_WORDS.items()
        if any(f" {word} " in text for word in known_words)
    ]
    hounsfield = not any(f" {word} " in text for word in _NO_HOUNSFIELD)
    if len(told) == 1 and (told != ["CT"] or hounsfield):
        return told[0]
    return plain_text(channel_name)


def plain_text(value: object) -> str:
    """Text from a data set on one line, made harmless.

    MONAI runs a config's string that begins with ``$``, and follows one that begins with ``@`` or
    ``%``; relative references (``@#``, ``%#``) are looked for within strings too.
    """
    words = " ".join(str(value).split()) if value not in (None, "") else ""
    return re.sub(r"[@%]+(?=#|::)", "", words)[:300].lstrip("$@%+ ") or NOT_STATED


def _of_collection(layout: str) -> DatasetDescription:
    """Return what this collection knows of an official data set without a description."""
    source = load_dataset(layout)
    names = cast(list[str], source.config["class_names"])
    values: list[list[int]] = [[number] for number in range(1, len(names) + 1)]
    for step in _steps(source.config["voxel_values"]):
        if step.get("_target_") == "MapLabelValued":
            for value, number in zip(
                cast(list[int], step["orig_labels"]),
                cast(list[int], step["target_labels"]),
                strict=True,
            ):
                values[number - 1].append(value)
    regions = cast("dict[str, list[int]] | None", source.config.get("regions"))
    classes = LabelClasses(
        tuple(names),
        tuple(map(tuple, values)),
        None if regions is None else {name: tuple(nums) for name, nums in regions.items()},
    )
    modality = str(source.words["modality"])
    channels = cast(list[str], source.words["channel_names"])
    # "image" tells nothing of a single channel.
    stated = (modality,) if len(channels) == 1 else tuple(channels)
    terms = {
        "licence": plain_text(source.words["data_license_short"]),
        "release": NOT_STATED,
        "reference": plain_text(source.words["data_reference"]),
    }
    return DatasetDescription(classes, stated, terms, f"the official layout '{layout}'")


def _steps(value: object) -> list[Facts]:
    """Return a transform, or those that it is composed of."""
    content = cast(Facts, value)
    return cast(list[Facts], content.get("transforms", [content]))


def _classes(labels: object, faults: list[Fault], *, optional: bool) -> LabelClasses | None:
    """Foreground classes; faults are added to the list."""
    if labels is None and optional:
        return None
    parsed = parse_labels(labels)
    if isinstance(parsed, LabelClasses):
        return parsed
    faults += [Fault("field 'labels'", problem, remedy) for problem, remedy in parsed]
    return None


def _channels(
    content: Mapping[str, object], faults: list[Fault], *, optional: bool
) -> tuple[str, ...] | None:
    """Names of the channels by number; faults are added to the list."""
    field = "channel_names" if "channel_names" in content else "modality"
    value = content.get(field)
    if value is None:
        return None
    # Auto3DSeg's files state one modality.
    if isinstance(value, str) and field == "modality" and optional:
        return (plain_text(value),)
    numbers = {str(number) for number in range(len(value))} if isinstance(value, dict) else set()
    if not isinstance(value, dict) or not value or set(value) != numbers:
        problem = f"must be an object of channels, '0' to 'n', not {str(value)[:60]!r}"
        faults.append(Fault(f"field '{field}'", problem, CORRECT))
        return None
    return tuple(plain_text(value[str(number)]) for number in range(len(value)))

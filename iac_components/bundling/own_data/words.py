"""Texts about a user's data set, for metadata and README, limited to the known facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from iac_components.bundling.own_data.decisions import Choice
from iac_components.bundling.own_data.reading import DatasetFacts
from iac_components.bundling.own_data.reading.description import NOT_STATED
from iac_components.bundling.rendering.facts import Facts

__all__ = ["license_text", "words_of"]


LAYOUTS = {
    "decathlon": "the Decathlon's: dataset.json, imagesTr, labelsTr (groups.csv if present)",
    "nnunet": "nnU-Net's raw folder: dataset.json, imagesTr/<case>_0000.nii.gz, labelsTr",
    "folder_pair": "a folder of images and one of labels of the same names",
    "auto3dseg": "Auto3DSeg's datalist: a JSON file with the list 'training'",
}


def words_of(
    name: str, facts: DatasetFacts, choices: Sequence[Choice], *, spatial_dims: int = 2
) -> Facts:
    """Return the texts that templates name by ``$name``.

    Args:
        name: of the data set.
        facts: of the data set.
        choices: the values of the configs.
        spatial_dims: of the network.
    """
    chosen = {choice.key: choice for choice in choices}
    modality = ", ".join(dict.fromkeys(facts.modalities)) or NOT_STATED
    kind = "pictures" if facts.are_pictures else "volumes"
    volumes = f"{modality} {kind}" if facts.modalities else kind
    millimetres = " x ".join(f"{size:g}" for size in facts.spacing)
    resampled = f"Slices are resampled to {millimetres} mm in plane, and not across slices."
    if spatial_dims == 3:
        sizes = " x ".join(f"{size:g}" for size in cast(list[float], chosen["pixdim"].value))
        resampled = f"Volumes are resampled to {sizes} mm."
    classes = ", ".join(
        f"{value} {label}" for value, label in enumerate(facts.classes.names, start=1)
    )
    return {
        "title": f"{name} ({volumes})",
        "image_type": f"{volumes} of the data set '{name}'",
        "channel_names": list(facts.channel_names),
        "modality": modality,
        "organ": name,
        "data_source": f"The data set '{name}' ({len(facts.cases)} labelled cases of "
        f"{facts.num_patients} patients), release {_term(facts, 'release')}",
        "data_license_short": _term(facts, "licence"),
        "data_layout": LAYOUTS.get(facts.layout, f"the official one of '{facts.layout}'"),
        "slice_text": f"{_article(facts.plane.name)} {facts.plane.name} slice ({millimetres} mm)",
        "preprocessing_reason": (
            f"Grey values: {chosen['voxel_values'].reason}. {resampled} These rules were applied "
            "by `iac new`; every value is a top-level key of the configs."
        ),
        "data_reference": f"Reference of the data set '{name}': {_term(facts, 'reference')}",
        "label_classes": f"integer label maps: 0 background, {classes}",
        "dataset_folder": name,
        "weights_note": "models/model.pt was trained by whoever keeps this bundle; "
        "docs/data_license.txt tells what is known of the data's licence.",
        "no_weights_reason": "this bundle was made for a data set of your own",
    }


def license_text(name: str, facts: DatasetFacts) -> str:
    """Return what the data set tells of the terms of use, and that it is all that is known."""
    return (
        f"Data: the data set '{name}'.\n\n"
        f"Licence of the data: {_term(facts, 'licence')}\n"
        f"Release: {_term(facts, 'release')}\n"
        f"Cite: {_term(facts, 'reference')}\n\n"
        "As stated with it, and not checked. Where the licence is not stated, ask the\n"
        "owner of the data before you share anything derived from them, weights included.\n\n"
        "No image or label of the data set is part of this bundle.\n"
    )


def _term(facts: DatasetFacts, field: str) -> str:
    return facts.description.terms[field]


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"

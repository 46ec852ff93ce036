"""AMOS22's layout: ``dataset.json``, ``imagesTr``, ``labelsTr``, ``imagesVa``, ``labelsVa``.

Ji et al., NeurIPS 2022 (arXiv 2206.08023). Files are ``amos_NNNN.nii.gz``, CT below 0500 and MR
from there on; a case is a patient. The challenge's training and validation cases are one set here,
of which folds are drawn by patient (our choice); ``imagesTs`` has no labels and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from iac_components.data.case import Case, image_stem
from iac_components.data.faults import Fault
from iac_components.data.layouts.catalogue import raise_layout_faults, register_layout
from iac_components.data.layouts.described.dataset_json import (
    missing_files,
    read_dataset_json,
    read_pairs,
)

__all__ = ["read_amos"]


@register_layout("amos")
def read_amos(dataset_dir: Path) -> list[Case]:
    """List the cases under ``training``, and under ``validation`` if these have labels.

    Raises:
        DatasetError: if ``dataset.json`` is missing or malformed (naming the field), or if files
            that it names are missing (naming all).
    """
    description = read_dataset_json(dataset_dir, folder_name="amos22")
    fields = ["training"]
    if _validation_has_labels(description, dataset_dir):
        fields.append("validation")
    cases: list[Case] = []
    faults: list[Fault] = []
    for field in fields:
        for image, label in read_pairs(description, dataset_dir, field=field):
            name = image_stem(image)
            faults += missing_files(name, image, label)
            cases.append(Case(name, name, image, label))
    raise_layout_faults(faults, cases, subject=f"AMOS dataset '{dataset_dir}'")
    return cases


def _validation_has_labels(description: Mapping[str, object], dataset_dir: Path) -> bool:
    """Return whether the validation cases' labels are named and downloaded (early copies: not)."""
    entries = description.get("validation")
    named = isinstance(entries, list) and any(
        isinstance(entry, dict) and entry.get("label") for entry in entries
    )
    return named and (dataset_dir / "labelsVa").is_dir()

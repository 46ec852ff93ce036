"""MONAI Auto3DSeg's datalist: a JSON file whose list ``training`` names files and folds.

``{"training": [{"image": "a.nii.gz", "label": "b.nii.gz", "fold": 0}, ...]}``; an image may be a
list of files, one a channel. Paths start from the list's folder, or from ``dataroot`` where the
input file that Auto3DSeg's ``AutoRunner`` takes (``datalist``, ``dataroot``) is given instead.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import yaml

from iac_components.common.files import read_text
from iac_components.data.case import Case, image_stem
from iac_components.data.faults import DatasetError, Fault, raise_faults
from iac_components.data.layouts.catalogue import raise_layout_faults, register_layout
from iac_components.data.layouts.general.case_files import patients_of

__all__ = ["is_datalist", "read_auto3dseg", "read_input"]


@register_layout("auto3dseg", takes_file=True)
def read_auto3dseg(file: Path) -> list[Case]:
    """List the cases of ``training``, each with its fold.

    Args:
        file: the datalist, or Auto3DSeg's input file.

    Raises:
        DatasetError: if the file is malformed, or names files that are missing (naming all).
    """
    content, root, source = read_input(file)
    entries = content.get("training")
    if not isinstance(entries, list) or not entries:
        raise DatasetError(
            f"'{source}': field 'training' must be a list of objects with image, label and fold, "
            f"not {str(entries)[:60]!r}. Write one for each case."
        )
    faults: list[Fault] = []
    found: list[tuple[str, tuple[Path, ...], Path, object]] = []
    for index, entry in enumerate(entries):
        place = f"training[{index}]"
        given = entry if isinstance(entry, Mapping) else {}
        images, label = given.get("image"), given.get("label")
        names = [images] if isinstance(images, str) else images
        named = isinstance(names, list) and names and all(isinstance(n, str) for n in names)
        if not named or not isinstance(label, str):
            problem = "must have 'image' (a path, or a list of one a channel) and 'label' (a path)"
            faults.append(Fault(place, problem, "Correct the entry."))
            continue
        files = tuple(root / str(name) for name in names or ())
        fold = given.get("fold")
        if fold is not None and (type(fold) is not int or fold < 0):
            faults.append(Fault(f"{place}.fold", f"is {fold!r}", "Write a whole number from 0 on."))
        faults += [
            Fault(
                str(path), f"is missing, though {place} names it", "Correct the path or dataroot."
            )
            for path in (*files, root / label)
            if not os.path.exists(path)
        ]
        # Many lists have files of one name in a folder a case.
        found.append((image_stem(files[0]), files, root / label, fold))
    raise_faults(faults, subject=f"Datalist '{source}'")
    names_of = _unique([(name, files[0]) for name, files, _, _ in found])
    patients, faults = patients_of(names_of, source.parent)
    cases = [
        Case(
            patients[name],
            name,
            files[0] if len(files) == 1 else files,
            label,
            fold if isinstance(fold, int) else None,
        )
        for name, (_, files, label, fold) in zip(names_of, found, strict=True)
    ]
    raise_layout_faults(faults, cases, subject=f"Datalist '{source}'")
    return cases


def _unique(named: list[tuple[str, Path]]) -> list[str]:
    """Names of cases: the files', with their folders' before them where they repeat."""
    names = [name for name, _ in named]
    if len(set(names)) == len(names):
        return names
    return [f"{file.parent.name}_{name}" for name, file in named]


def read_input(file: Path) -> tuple[Mapping[str, object], Path, Path]:
    """Read a datalist, by way of Auto3DSeg's input file if it is one.

    Returns:
        The datalist, the folder that its paths start from, and the list's own file.

    Raises:
        DatasetError: if a file is missing or malformed.
    """
    content = _object(file)
    if "datalist" not in content:
        return content, file.parent, file
    source = (file.parent / str(content["datalist"])).absolute()
    root = file.parent / str(content.get("dataroot", source.parent))
    # What the input file says of the data set counts as if the list said it.
    return {**content, **_object(source)}, root.absolute(), source


def is_datalist(file: Path) -> bool:
    """Tell whether a file is a datalist or Auto3DSeg's input file."""
    try:
        content = _object(file)
    except DatasetError:
        return False
    entries = content.get("training")
    listed = isinstance(entries, list) and bool(entries) and isinstance(entries[0], Mapping)
    return listed or "datalist" in content


def _object(file: Path) -> Mapping[str, object]:
    """Read an object in JSON or YAML."""
    try:
        text = read_text(file)
        content = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise DatasetError(
            f"'{file}' cannot be read ({error.strerror}). Pass Auto3DSeg's datalist."
        ) from error
    except (ValueError, yaml.YAMLError) as error:
        raise DatasetError(
            f"'{file}' is not valid {file.suffix[1:].upper()} ({error}). Correct it at that place."
        ) from error
    if not isinstance(content, Mapping):
        raise DatasetError(f"'{file}' must hold an object with the list 'training'. Correct it.")
    return content

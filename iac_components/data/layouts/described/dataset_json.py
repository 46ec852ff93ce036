r"""Reading ``dataset.json``, the description that the Decathlon began and AMOS took over.

The paths in it are relative to its folder, with ``/`` or, from Windows, ``\``, and must not lead
out of it: a copied data set would otherwise read its original's files. A symbolic link in the
folder may point anywhere, so that images can lie on another disk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from iac_components.common.files import read_text
from iac_components.data.faults import DatasetError, Fault, found_in, raise_faults
from iac_components.data.layouts.described.paths import DescribedPaths

__all__ = ["JSON_NAME", "missing_files", "read_dataset_json", "read_pairs"]

JSON_NAME = "dataset.json"


def read_dataset_json(dataset_dir: Path, *, folder_name: str) -> Mapping[str, object]:
    """Return the object in ``dataset.json``.

    Args:
        dataset_dir: the dataset's folder.
        folder_name: what the user knows that folder as, for the message.

    Raises:
        DatasetError: if the file is missing, no text or holds no JSON object.
    """
    file = dataset_dir / JSON_NAME
    try:
        text = read_text(file)
    except OSError as error:
        raise DatasetError(
            f"dataset_dir '{dataset_dir}': expected {JSON_NAME}, imagesTr and labelsTr, found "
            f"{found_in(dataset_dir)} ({error.strerror}). "
            f"Pass the unpacked {folder_name} folder with --dataset_dir."
        ) from error
    except ValueError as error:
        raise DatasetError(f"'{file}' is {error}") from error
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        remedy = _json_remedy(error, text)
        raise DatasetError(f"'{file}' is not valid JSON ({error}). {remedy}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"'{file}' must hold a JSON object, not {type(content).__name__}.")
    return content


def read_pairs(
    description: Mapping[str, object], dataset_dir: Path, *, field: str
) -> list[tuple[Path, Path]]:
    """Return (image, label) paths of a field such as ``training``.

    Raises:
        DatasetError: if the field is no list of pairs with at least one entry; all malformed
            entries are reported at once.
    """
    entries = description.get(field)
    if not isinstance(entries, list) or not entries:
        raise DatasetError(
            f"'{dataset_dir / JSON_NAME}': field '{field}' must be a list of image and label "
            f"pairs with at least one entry, not {str(entries)[:60]!r}. Write one for each case: "
            '{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}.'
        )
    pairs: list[tuple[Path, Path]] = []
    faults: list[Fault] = []
    paths = DescribedPaths(dataset_dir)
    for index, entry in enumerate(entries):
        values = entry if isinstance(entry, dict) else {}
        found = [
            paths.find(values.get(key), place=f"{field}[{index}].{key}")
            for key in ("image", "label")
        ]
        faults += [file for file in found if isinstance(file, Fault)]
        image, label = found
        # macOS archives carry a ._ twin of every file, and some lists name them.
        if isinstance(image, Path) and isinstance(label, Path) and image.name[:2] != "._":
            pairs.append((image, label))
    raise_faults(faults, subject=f"'{dataset_dir / JSON_NAME}'")
    return pairs


def missing_files(name: str, image: Path, label: Path) -> Iterator[Fault]:
    """Yield a fault for the image and the label of case ``name`` that are not there."""
    for role, file in (("image", image), ("label", label)):
        # Unlike Path.is_file, this takes names that are too long without an error.
        if not os.path.isfile(file):
            problem = f"is missing, though {JSON_NAME} names it as the {role} of '{name}'"
            yield Fault(str(file), problem, "Correct the path there, or download this file again.")


def _json_remedy(error: ValueError | RecursionError, text: str) -> str:
    """Return what to do about text that is no JSON."""
    if isinstance(error, json.JSONDecodeError):
        if "escape" in error.msg:
            return "Write paths with / (or each backslash twice)."
        if error.pos >= len(text.rstrip()) or "Unterminated" in error.msg:
            return "It is cut off. Download it again."
    return "Correct it at that place, or restore the original."

"""Files of a folder by case, where a case's channels may be files of their own."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from iac_components.data.case import image_stem, is_image_name
from iac_components.data.faults import DatasetError, Fault
from iac_components.data.formats import is_other_format
from iac_components.data.layouts.decathlon import find_groups, read_groups

__all__ = ["channel_files", "listed_images", "patients_by_table", "patients_of"]

_CHANNEL = re.compile(r"(?P<case>.+)_(?P<channel>\d{4})")


def listed_images(folder: Path) -> list[Path]:
    """List what a folder holds of images, sorted: files, and folders of DICOM series.

    Raises:
        DatasetError: if one is a link to nothing: it would be left out without a word.
    """
    if not folder.is_dir():
        return []
    entries = sorted(folder.iterdir())
    for path in entries:
        if is_image_name(path.name) and path.is_symlink() and not path.exists():
            raise DatasetError(
                f"'{path}' is a link to '{path.readlink()}', which is not there. Restore the file, "
                "or remove the link."
            )
    return [
        path
        for path in entries
        if (is_image_name(path.name) and path.is_file())
        or (path.is_dir() and path.name[:1] != "." and is_other_format(str(path)))
    ]


def channel_files(
    files: Sequence[Path], *, required: bool
) -> tuple[dict[str, tuple[Path, ...]], list[Fault]]:
    """Group images by case: ``<case>_0000``, ``<case>_0001``, ... are channels of one.

    Args:
        files: images of one folder.
        required: whether every file must be named so; else they are channels only if all are.

    Returns:
        Case -> its files in the channels' order; and what is wrong with the names.
    """
    matches = {file: _CHANNEL.fullmatch(image_stem(file)) for file in files}
    numbered = required or all(matches.values())
    faults: list[Fault] = []
    found: dict[str, dict[int, Path]] = {}
    for file, match in matches.items():
        if numbered and match is None:
            problem = "has no channel number at its end, as nnU-Net's raw images have"
            remedy = f"Rename it to {image_stem(file)}_0000{file.name[len(image_stem(file)) :]}."
            faults.append(Fault(str(file), problem, remedy))
            continue
        case, channel = (
            (match["case"], int(match["channel"])) if match and numbered else (image_stem(file), 0)
        )
        other = found.setdefault(case, {}).setdefault(channel, file)
        if other is not file:
            problem = f"is there a second time as '{other.name}'"
            faults.append(Fault(str(file), problem, "Keep one of them."))
    for case, channels in found.items():
        missing = [number for number in range(max(channels) + 1) if number not in channels]
        if missing:
            names = ", ".join(f"{case}_{number:04d}" for number in missing)
            first = channels[min(channels)]
            remedy = "Add the file(s), or remove the case."
            faults.append(Fault(str(first), f"is of a case that lacks {names}", remedy))
    return {
        case: tuple(channels[number] for number in sorted(channels))
        for case, channels in sorted(found.items())
    }, faults


def patients_of(cases: Sequence[str], dataset_dir: Path) -> tuple[Mapping[str, str], list[Fault]]:
    """Tell the patient of every case: by ``groups.csv`` if it is there, else its own.

    Args:
        cases: their names.
        dataset_dir: folder that may hold the table.

    Returns:
        Case -> patient, and a fault for every case that the table lacks.

    Raises:
        DatasetError: if the table is malformed.
    """
    table = find_groups(dataset_dir) if os.path.isdir(dataset_dir) else None
    return patients_by_table(cases, table)


def patients_by_table(
    cases: Sequence[str], table: Path | None
) -> tuple[Mapping[str, str], list[Fault]]:
    """Tell the patient of every case by a table of ``case,subject_group``; None: each its own.

    Returns:
        Case -> patient, and a fault for every case that the table lacks.

    Raises:
        DatasetError: if the table cannot be read or is malformed.
    """
    if table is None:
        return {case: case for case in cases}, []
    groups = read_groups(table)
    faults = [
        Fault(str(table), f"has no subject_group for case '{case}'", "Add a row for it.")
        for case in cases
        if not groups.get(case)
    ]
    return {case: groups.get(case) or case for case in cases}, faults

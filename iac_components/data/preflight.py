"""Checks before any training: every fault of every file in one error, nothing found later."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from tqdm import tqdm

from iac_components.data.faults import DatasetError, Fault, raise_faults
from iac_components.data.volume_checks import Expectation, check_pair, check_volume
from iac_components.data.volume_file import Volume, read_volume

__all__ = ["check_datalist", "check_split"]

LONG_LIST = 20
"""Cases from which on a progress bar is worth its line."""


def check_datalist(
    datalist: Sequence[Mapping[str, str]],
    *,
    labels: Sequence[int],
    num_channels: int = 1,
    min_size: tuple[int, int, int] = (2, 2, 1),
) -> None:
    """Open every image and label of a datalist, and raise one error for all that is wrong.

    Each file is read once. If no entry has a label, the list is one for inference, and only
    images are checked; if some have one, all must.

    Args:
        datalist: MONAI entries with ``image`` and, for training, ``label``.
        labels: label values that may occur; 0, the background, always may.
        num_channels: channels of an image; more than one are the fourth axis of a 4-D file.
        min_size: smallest number of voxels along each axis.

    Raises:
        DatasetError: listing every fault, file by file, with remedies; or if the list is empty.
        ValueError: if ``labels`` or ``num_channels`` make no sense.
    """
    expectation = Expectation(labels, num_channels, min_size)
    if not datalist:
        raise DatasetError(
            "The datalist has no entry. Check --dataset_dir and the part of the fold."
        )
    roles = ("image", "label") if any("label" in entry for entry in datalist) else ("image",)
    faults = [*_missing_keys(datalist, roles), *_duplicates(datalist, roles)]
    # tqdm's None shows the bar on a terminal only.
    quiet = None if len(datalist) >= LONG_LIST else True
    for entry in tqdm(datalist, desc="Checking data", unit="case", disable=quiet):
        faults += _entry_faults(entry, roles, expectation)
    raise_faults(faults, subject=f"Datalist of {len(datalist)} case(s)")


def check_split(parts: Mapping[str, Sequence[Mapping[str, str]]]) -> None:
    """Check that parts have entries, and share neither a patient nor a file. Reads no file.

    Args:
        parts: name of each part to its datalist, for instance ``{"train": ..., "test": ...}``.

    Raises:
        DatasetError: listing every empty part, every entry without a patient, and every patient
            and file in two parts.
    """
    faults: list[Fault] = []
    owner: dict[tuple[str, str], str] = {}
    for part, datalist in parts.items():
        if not datalist:
            faults.append(Fault(f"part '{part}'", "has no entry", "Use more patients or folds."))
        shared = {
            (kind, value): owner[kind, value]
            for kind, value in _identities(datalist)
            if owner.setdefault((kind, value), part) != part
        }
        faults += [
            Fault(f"{kind} '{value}'", f"is in both '{first}' and '{part}'", "Keep it in one part.")
            for (kind, value), first in shared.items()
        ]
        faults += [
            Fault(
                f"part '{part}', entry {index}",
                "has no 'patient'",
                "Name its patient, or leakage cannot be ruled out.",
            )
            for index, entry in enumerate(datalist)
            if "patient" not in entry
        ]
    raise_faults(faults, subject=f"Split into {', '.join(parts)}")


def _identities(datalist: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield what must not be in two parts: patients and image files."""
    for entry in datalist:
        if "patient" in entry:
            yield "patient", entry["patient"]
        if "image" in entry:
            yield "image", os.path.realpath(entry["image"])


def _missing_keys(datalist: Sequence[Mapping[str, str]], roles: Sequence[str]) -> Iterator[Fault]:
    for index, entry in enumerate(datalist):
        for role in roles:
            if role not in entry:
                where = entry.get("image", f"entry {index}")
                yield Fault(where, f"has no '{role}' in the datalist", "Add it or remove the case.")


def _duplicates(datalist: Sequence[Mapping[str, str]], roles: Sequence[str]) -> Iterator[Fault]:
    first: dict[tuple[str, str], int] = {}
    for index, entry in enumerate(datalist):
        for role in roles:
            if role in entry:
                # The real path also finds one file behind two links.
                earlier = first.setdefault((role, os.path.realpath(entry[role])), index)
                if earlier != index:
                    problem = f"is the {role} of entries {earlier} and {index} of the datalist"
                    yield Fault(entry[role], problem, "Remove one of them.")


def _entry_faults(
    entry: Mapping[str, str], roles: Sequence[str], expectation: Expectation
) -> Iterator[Fault]:
    volumes: dict[str, Volume] = {}
    for role in roles:
        if role not in entry:
            continue
        volume = read_volume(entry[role])
        if isinstance(volume, Fault):
            yield volume
            continue
        volumes[role] = volume
        for problem, remedy in check_volume(volume, role, expectation):
            yield Fault(volume.path, problem, remedy)
    if len(volumes) == 2:
        for problem, remedy in check_pair(volumes["image"], volumes["label"]):
            yield Fault(volumes["label"].path, problem, remedy)

"""Checks before any training: every fault of every file in one error, nothing found later."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from iac_components.data.case import DatalistEntry, entry_files
from iac_components.data.faults import DatasetError, Fault, raise_faults
from iac_components.data.pair_checks import check_channel, check_pair
from iac_components.data.volume_checks import Expectation, check_volume
from iac_components.data.volume_file import Volume, read_volume

__all__ = ["check_datalist", "check_split"]

LONG_LIST = 20
"""Cases from which on a progress bar is worth its line."""


def check_datalist(
    datalist: Sequence[DatalistEntry],
    *,
    labels: Sequence[int],
    num_channels: int = 1,
    min_size: tuple[int, int, int] = (2, 2, 1),
) -> None:
    """Open every image and label of a datalist, and raise one error for all that is wrong.

    An image is one file, 3-D or 4-D, or a list of 3-D files, a file a channel, which must agree
    in shape and affine. Each file is read once. If no entry has a label, the list is one for
    inference, and only images are checked; if some have one, all must.

    Args:
        datalist: MONAI entries with ``image`` and, for training, ``label``.
        labels: label values that may occur; 0, the background, always may.
        num_channels: channels of an image; more than one are the fourth axis of a 4-D file, or
            as many files.
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


def check_split(parts: Mapping[str, Sequence[DatalistEntry]]) -> None:
    """Check that parts have entries, and share neither a patient nor a file. Reads no file.

    Args:
        parts: name of each part to its datalist, for instance ``{"train": ..., "test": ...}``.

    Raises:
        DatasetError: listing every empty part, every entry without a patient unless no entry has
            one (MONAI Label knows none), and every patient and file in two parts.
    """
    faults: list[Fault] = []
    anonymous = not any("patient" in entry for part in parts.values() for entry in part)
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
            if "patient" not in entry and not anonymous
        ]
    raise_faults(faults, subject=f"Split into {', '.join(parts)}")


def _identities(datalist: Sequence[DatalistEntry]) -> Iterator[tuple[str, str]]:
    """Yield what must not be in two parts: patients and image files."""
    for entry in datalist:
        if "patient" in entry:
            yield "patient", str(entry["patient"])
        for file in entry_files(entry, "image"):
            yield "image", os.path.realpath(file)


def _missing_keys(datalist: Sequence[DatalistEntry], roles: Sequence[str]) -> Iterator[Fault]:
    for index, entry in enumerate(datalist):
        for role in roles:
            # An empty list of files is as good as none.
            if not entry_files(entry, role):
                where = next(iter(entry_files(entry, "image")), f"entry {index}")
                yield Fault(where, f"has no '{role}' in the datalist", "Add it or remove the case.")


def _duplicates(datalist: Sequence[DatalistEntry], roles: Sequence[str]) -> Iterator[Fault]:
    first: dict[tuple[str, str], tuple[int, int]] = {}
    for index, entry in enumerate(datalist):
        for role in roles:
            for channel, file in enumerate(entry_files(entry, role)):
                # The real path also finds one file behind two links.
                place = first.setdefault((role, os.path.realpath(file)), (index, channel))
                if place[0] != index:
                    problem = f"is the {role} of entries {place[0]} and {index} of the datalist"
                    yield Fault(file, problem, "Remove one of them.")
                elif place[1] != channel:
                    problem = f"is channel {place[1]} and {channel} of entry {index}"
                    yield Fault(file, problem, "Name each channel's own file.")


def _entry_faults(
    entry: DatalistEntry, roles: Sequence[str], expectation: Expectation
) -> Iterator[Fault]:
    """Read an entry's files once; yield the faults of each, and of those that must agree."""
    first: dict[str, Volume] = {}
    for role in roles:
        files = entry_files(entry, role)
        yield from _wrong_count(files, role, expectation)
        # A file of a list holds one channel, a file by its own holds all.
        expected = replace(expectation, num_channels=1) if len(files) > 1 else expectation
        for file in files:
            volume = read_volume(file)
            if isinstance(volume, Fault):
                yield volume
                continue
            for problem, remedy in check_volume(volume, role, expected):
                yield Fault(file, problem, remedy)
            if role in first:
                relation = f"the channel in '{Path(first[role].path).name}'"
                for problem, remedy in check_channel(first[role], volume, relation):
                    yield Fault(file, problem, remedy)
            first.setdefault(role, volume)
    if len(first) == 2:
        for problem, remedy in check_pair(first["image"], first["label"], "its image"):
            yield Fault(first["label"].path, problem, remedy)


def _wrong_count(files: Sequence[str], role: str, expectation: Expectation) -> Iterator[Fault]:
    """Yield the fault of a list of files that are not one a channel."""
    count = expectation.num_channels if role == "image" else 1
    if len(files) > 1 and len(files) != count:
        yield Fault(
            files[0],
            f"begins a list of {len(files)} {role} files (a file a channel), expected {count}",
            "Name one file a channel, in the channels' order.",
        )

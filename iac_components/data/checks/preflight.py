"""Checks before any training: every fault of every file in one error, nothing found later."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from iac_components.common.progress_bars import progress_over
from iac_components.data.case import DatalistEntry, entry_files
from iac_components.data.checks.entries import EntryFindings, check_entry
from iac_components.data.checks.list_notices import healthy_cases, repeated_images
from iac_components.data.checks.notices import Notice, report_notices
from iac_components.data.checks.volumes import VOXEL_SIZE_RANGE, Expectation
from iac_components.data.faults import DatasetError, Fault, raise_faults

__all__ = ["check_datalist"]

LONG_LIST = 20
"""Cases from which on a progress bar is worth its line."""

Datalist = Sequence[DatalistEntry]


def check_datalist(
    datalist: Datalist | Mapping[str, Datalist],
    *,
    labels: Sequence[int],
    num_channels: int | None = 1,
    min_size: tuple[int, int, int] = (2, 2, 1),
    voxel_size_range: Sequence[float] | None = VOXEL_SIZE_RANGE,
) -> None:
    """Open every image and label of a datalist, and raise one error for all that is wrong.

    An image is one file, 3-D or 4-D, or a list of 3-D files, a file a channel, which must agree
    in shape and affine. Each file is read once. If no entry has a label, the list is one for
    inference, and only images are checked; if some have one, all must.

    What can be used but is worth a look is logged as a warning, a line for each matter: files whose
    qform and sform differ, healthy cases (labels without foreground), and a part that has no
    others, images that two patients share.

    Args:
        datalist: MONAI entries with ``image`` and, for training, ``label``; or several such lists
            by the names of their parts.
        labels: label values that may occur; 0, the background, always may.
        num_channels: channels of an image; more than one are the fourth axis of a 4-D file, or
            as many files. None takes any.
        min_size: smallest number of voxels along each axis.
        voxel_size_range: smallest and largest voxel size in mm; None takes any, and whatever unit
            a header states, for mm.

    Raises:
        DatasetError: listing every fault, file by file, with remedies; or if the list is empty.
        ValueError: if ``labels``, ``num_channels`` or ``voxel_size_range`` make no sense.
    """
    expectation = Expectation(labels, num_channels, min_size, voxel_size_range)
    parts = datalist if isinstance(datalist, Mapping) else {"": datalist}
    entries = [entry for part in parts.values() for entry in part]
    if not entries:
        raise DatasetError(
            "The datalist has no entry. Check --dataset_dir and the part of the fold."
        )
    roles = ("image", "label") if any("label" in entry for entry in entries) else ("image",)
    faults = [
        *_missing_keys(entries, roles),
        *_duplicates(entries, roles),
        *_same_names(entries),
    ]
    few = len(entries) < LONG_LIST
    found = [
        check_entry(entry, roles, expectation)
        for entry in progress_over(entries, desc="Checking data", disable=few)
    ]
    subject = f"Datalist of {len(entries)} case(s)"
    report_notices(_notices(parts, entries, found, roles), subject=subject)
    faults += [fault for findings in found for fault in findings.faults]
    raise_faults(faults, subject=subject)


def _notices(
    parts: Mapping[str, Datalist],
    entries: Datalist,
    found: Sequence[EntryFindings],
    roles: Sequence[str],
) -> Iterator[Notice]:
    """Yield the notices, of single files and of the list."""
    for findings in found:
        yield from findings.notices
    if "label" in roles:
        names = [name for name, part in parts.items() for _ in part]
        yield from healthy_cases(entries, [findings.has_foreground for findings in found], names)
        # Images to segment may well be copies.
        yield from repeated_images(entries, [findings.digests for findings in found])


def _missing_keys(datalist: Datalist, roles: Sequence[str]) -> Iterator[Fault]:
    for index, entry in enumerate(datalist):
        for role in roles:
            # An empty list of files is as good as none.
            if not entry_files(entry, role):
                where = next(iter(entry_files(entry, "image")), f"entry {index}")
                yield Fault(where, f"has no '{role}' in the datalist", "Add it or remove the case.")


def _duplicates(datalist: Datalist, roles: Sequence[str]) -> Iterator[Fault]:
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


def _same_names(datalist: Datalist) -> Iterator[Fault]:
    """Yield a fault for two images of one case name, whose results would be indistinguishable."""
    first: dict[object, str] = {}
    for entry in datalist:
        image = next(iter(entry_files(entry, "image")), None)
        if image is None or "case" not in entry:
            continue
        other = first.setdefault(entry["case"], image)
        # One file twice is told already.
        if os.path.realpath(other) != os.path.realpath(image):
            problem = f"has the same case name, '{entry['case']}', as '{other}'"
            yield Fault(image, problem, "Rename one of the two, and its label.")

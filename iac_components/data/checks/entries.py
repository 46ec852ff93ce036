"""Checks of one case: its files are read once, and compared with each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from iac_components.data.case import DatalistEntry, entry_files
from iac_components.data.checks.notices import Notice
from iac_components.data.checks.pairs import check_channel, check_pair
from iac_components.data.checks.placement import notice_of_two_places
from iac_components.data.checks.volumes import Expectation, check_volume
from iac_components.data.faults import Fault
from iac_components.data.nifti.volume_file import Volume, read_volume

__all__ = ["EntryFindings", "check_entry"]


@dataclass
class EntryFindings:
    """Faults and notices of one case.

    Attributes:
        faults: what keeps it from being used.
        notices: what is worth a look.
        digests: of the voxels of each image that could be read, with its file.
        has_foreground: whether a label is above 0; None without a label that could be read.
    """

    faults: list[Fault] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    digests: list[tuple[bytes, str]] = field(default_factory=list)
    has_foreground: bool | None = None


def check_entry(
    entry: DatalistEntry, roles: Sequence[str], expectation: Expectation
) -> EntryFindings:
    """Read an entry's files once, and check each, and those that must agree.

    Args:
        entry: of a datalist.
        roles: keys whose files are checked, ``image`` and, with labels, ``label``.
        expectation: what a volume must be.
    """
    findings = EntryFindings()
    first: dict[str, Volume] = {}
    for role in roles:
        files = entry_files(entry, role)
        findings.faults += _wrong_count(files, role, expectation)
        # A file of a list holds one channel, a file by its own holds all.
        expected = replace(expectation, num_channels=1) if len(files) > 1 else expectation
        for file in files:
            volume = read_volume(file)
            if isinstance(volume, Fault):
                findings.faults.append(volume)
                continue
            _note(volume, role, findings)
            findings.faults += [
                Fault(file, problem, remedy)
                for problem, remedy in check_volume(volume, role, expected)
            ]
            if role in first:
                relation = f"the channel in '{Path(first[role].path).name}'"
                findings.faults += [
                    Fault(file, problem, remedy)
                    for problem, remedy in check_channel(first[role], volume, relation)
                ]
            first.setdefault(role, volume)
    if len(first) == 2:
        findings.faults += [
            Fault(first["label"].path, problem, remedy)
            for problem, remedy in check_pair(first["image"], first["label"], "its image")
        ]
    return findings


def _note(volume: Volume, role: str, findings: EntryFindings) -> None:
    """Record the notices of a volume, and what is compared with other cases."""
    if (notice := notice_of_two_places(volume.path, volume.header)) is not None:
        findings.notices.append(notice)
    if role == "image":
        findings.digests.append((volume.digest, volume.path))
    else:
        # A label is rounded where it is read; NaN is another check's fault.
        findings.has_foreground = not float(volume.data.max()) < 0.5


def _wrong_count(files: Sequence[str], role: str, expectation: Expectation) -> Iterator[Fault]:
    """Yield the fault of a list of files that are not one a channel."""
    count = expectation.num_channels if role == "image" else 1
    if len(files) > 1 and count not in (None, len(files)):
        yield Fault(
            files[0],
            f"begins a list of {len(files)} {role} files (a file a channel), expected {count}",
            "Name one file a channel, in the channels' order.",
        )

"""Faults in data: collected first, then raised together, each with its file and a remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DatasetError", "Fault", "UnreadableVolumeError", "found_in", "raise_faults"]


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a dataset.

    Attributes:
        where: the file, folder, entry or patient at fault.
        problem: what is wrong, as the end of a sentence that starts with ``where``.
        remedy: what the user can do about it, one sentence.
    """

    where: str
    problem: str
    remedy: str


class DatasetError(ValueError):
    """Data cannot be used as they are; the message lists every fault, file by file.

    Attributes:
        faults: all faults found, in the order in which they were found.
    """

    def __init__(self, summary: str, faults: Sequence[Fault] = ()) -> None:
        self.faults = tuple(faults)
        by_place: dict[str, list[Fault]] = {}
        for fault in self.faults:
            by_place.setdefault(fault.where, []).append(fault)
        lines = [summary]
        for where, found in by_place.items():
            lines.append(where)
            lines.extend(f"  - {fault.problem}. {fault.remedy}" for fault in found)
        super().__init__("\n".join(lines))


class UnreadableVolumeError(Exception):
    """A file that is no volume to read.

    Attributes:
        problem: what is wrong, as the end of a sentence that starts with the file.
        remedy: what the user can do about it.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def raise_faults(faults: Sequence[Fault], *, subject: str) -> None:
    """Raise one error for all ``faults``; return quietly if there are none.

    Args:
        faults: what was found.
        subject: what was checked, for the first line of the message.

    Raises:
        DatasetError: if ``faults`` is not empty.
    """
    if faults:
        places = len({fault.where for fault in faults})
        raise DatasetError(
            f"{subject}: {len(faults)} fault(s) in {places} place(s). "
            "Correct or remove them, then run again.",
            faults,
        )


def found_in(folder: Path) -> str:
    """List the first few names in a folder, for a message on its expected content."""
    names = sorted(path.name for path in folder.iterdir())[:5]
    return ", ".join(names) or "an empty folder"

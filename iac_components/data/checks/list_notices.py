"""Notices about a list of cases as a whole: cases without foreground, copied images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iac_components.data.case import DatalistEntry, entry_files
from iac_components.data.checks.notices import Matter, Notice

__all__ = ["healthy_cases", "repeated_images"]

_HEALTHY = Matter(
    "label map(s) hold background only and count as healthy cases",
    "Correct them if something should be labelled there.",
)
_ALL_HEALTHY = Matter(
    "part(s) have no foreground in any label map",
    "There is nothing to learn or to score but background.",
)
_REPEATED = Matter(
    "image(s) have the same voxels as another patient's",
    "Remove one of the two if they are of one patient, or give both the same patient (in "
    "groups.csv, for instance): copies may lie in the training and in the test part.",
)


def healthy_cases(
    datalist: Sequence[DatalistEntry],
    has_foreground: Sequence[bool | None],
    parts: Sequence[str],
) -> Iterator[Notice]:
    """Yield a notice of every case without foreground, and of every part that has no other.

    Args:
        datalist: N entries.
        has_foreground: of each, None where it is unknown.
        parts: the part of each, an empty name where there are none.
    """
    known: dict[str, list[bool]] = {}
    for entry, filled, part in zip(datalist, has_foreground, parts, strict=True):
        if filled is not None:
            known.setdefault(part, []).append(filled)
        if filled is False:
            yield Notice(_HEALTHY, entry_files(entry, "label")[0])
    for part, filled_ones in known.items():
        if not any(filled_ones):
            yield Notice(_ALL_HEALTHY, part or "the datalist", f"{len(filled_ones)} case(s)")


def repeated_images(
    datalist: Sequence[DatalistEntry], digests: Sequence[Sequence[tuple[bytes, str]]]
) -> Iterator[Notice]:
    """Yield a notice of every image that has the voxels of another patient's.

    Args:
        datalist: N entries.
        digests: of the voxels of each entry's images, with their files.
    """
    first: dict[bytes, tuple[str, object]] = {}
    for index, (entry, images) in enumerate(zip(datalist, digests, strict=True)):
        # Without patients, each case counts for one of its own.
        patient: object = entry.get("patient", index)
        for digest, file in images:
            other, owner = first.setdefault(digest, (file, patient))
            if owner != patient:
                yield Notice(_REPEATED, f"{file} = {other}")

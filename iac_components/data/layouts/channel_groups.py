"""Images whose channels are files of their own: how data sets name these, and finding them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from iac_components.data.case import PICTURE_SUFFIXES, image_stem
from iac_components.data.faults import Fault, raise_faults

__all__ = ["BRATS_NAMINGS", "ChannelNaming", "channel_namings", "group_channels"]


@dataclass(frozen=True)
class ChannelNaming:
    """Endings that follow a case's name in the names of its files.

    Attributes:
        name: of the naming, for messages.
        channels: one ending a channel, in the channels' order.
        label: ending of the label map; empty where labels lie elsewhere.
    """

    name: str
    channels: tuple[str, ...]
    label: str = ""

    def split(self, stem: str) -> tuple[str, str] | None:
        """Split a file's name (without ``.nii.gz``) into the case's name and the ending.

        Returns:
            Both, or None if the file is not named like this.
        """
        for ending in (*self.channels, self.label):
            if ending and stem.endswith(ending) and stem != ending:
                return stem.removesuffix(ending), ending
        return None


BRATS_NAMINGS = (
    ChannelNaming("BraTS 2021", ("_flair", "_t1", "_t1ce", "_t2"), "_seg"),
    ChannelNaming("BraTS 2023", ("-t2f", "-t1n", "-t1c", "-t2w"), "-seg"),
)
"""Both in the order FLAIR, T1, T1 with contrast agent, T2, which a trained network relies on."""


def channel_namings(num_channels: int) -> tuple[ChannelNaming, ...]:
    """Return the namings of images with so many channels: BraTS's where they fit, and nnU-Net's.

    An image of one channel is one file, whose name may have nnU-Net's ``_0000``.
    """
    numbered = tuple(f"_{index:04d}" for index in range(num_channels))
    brats = (naming for naming in BRATS_NAMINGS if len(naming.channels) == num_channels)
    return (*brats, ChannelNaming("nnU-Net", numbered))


def group_channels(
    files: Iterable[Path], *, num_channels: int, subject: str
) -> dict[str, str | list[str]]:
    """Group files into images: BraTS's endings where they fit, nnU-Net's ``_0000``, ``_0001``, ...

    Label maps among BraTS's files are left out. A file that is named in neither way is an image of
    its own, which must be 4-D.

    Args:
        files: images.
        num_channels: channels of an image; with one, every file is an image.
        subject: what was searched, for the first line of a message.

    Returns:
        For each case, sorted: its file, or its files in the channels' order.

    Raises:
        DatasetError: if a group is incomplete, or two files or groups would be the same case or
            channel (naming all).
    """
    namings = channel_namings(num_channels)
    single: dict[str, Path] = {}
    groups: dict[tuple[str, ChannelNaming], dict[str, Path]] = {}
    faults: list[Fault] = []
    for file in sorted(files):
        stem = image_stem(file)
        naming, case, ending = next(
            ((naming, *parts) for naming in namings if (parts := naming.split(stem))),
            (None, stem, ""),
        )
        if naming is None:
            first = single.setdefault(case, file)
        else:
            first = groups.setdefault((case, naming), {}).setdefault(ending, file)
        if first != file:
            faults.append(_same_name(file, first))
    images: dict[str, str | list[str]] = {case: str(file) for case, file in single.items()}
    for (case, naming), channels in groups.items():
        named = [channels[ending] for ending in naming.channels if ending in channels]
        if not named:
            # A label map alone is no image.
            continue
        missing = [f"{case}{ending}" for ending in naming.channels if ending not in channels]
        # A picture in colour is one file, numbered all the same.
        whole = list(channels) == ["_0000"] and named[0].name.lower().endswith(PICTURE_SUFFIXES)
        if missing and not whole:
            faults.append(
                Fault(
                    str(named[0]),
                    f"is a channel of '{case}' ({naming.name}'s names), which lacks "
                    f"{', '.join(missing)}",
                    "Add the file(s), or remove the case; a 4-D file needs another name.",
                )
            )
        elif case in images:
            earlier = images[case]
            first = Path(earlier if isinstance(earlier, str) else earlier[0])
            faults.append(_same_name(named[0], first))
        else:
            files_of_case = [str(file) for file in named]
            images[case] = files_of_case if len(files_of_case) > 1 else files_of_case[0]
    raise_faults(faults, subject=subject)
    return dict(sorted(images.items()))


def _same_name(file: Path, first: Path) -> Fault:
    name = first.name if first.parent == file.parent else first
    problem = f"has the same case name as '{name}'"
    return Fault(str(file), problem, "Rename one of the two.")

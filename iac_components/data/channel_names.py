"""How data sets name the files of an image whose channels are files of their own."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BRATS_NAMINGS", "ChannelNaming", "channel_namings"]


@dataclass(frozen=True)
class ChannelNaming:
    """What follows a case's name in the names of its files.

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

    An image of one channel is one file, whatever its name.
    """
    if num_channels == 1:
        return ()
    numbered = tuple(f"_{index:04d}" for index in range(num_channels))
    brats = (naming for naming in BRATS_NAMINGS if len(naming.channels) == num_channels)
    return (*brats, ChannelNaming("nnU-Net", numbered))

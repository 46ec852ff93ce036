"""Names of written label maps: the case's, also where each channel is a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from monai.data.folder_layout import default_name_formatter
from monai.transforms import Transform

from iac_components.data.case import image_stem
from iac_components.data.layouts.channel_groups import channel_namings

__all__ = ["CaseNames"]


class CaseNames:
    """Name formatter for MONAI's ``SaveImaged``: the case as ``image_datalist`` calls it.

    MONAI names a result after the first file of an image, which for BraTS would be its FLAIR.

    Args:
        num_channels: channels of an image.
    """

    def __init__(self, num_channels: int) -> None:
        self.namings = channel_namings(num_channels)

    def __call__(self, metadict: Mapping[str, object], saver: Transform) -> dict[str, object]:
        """Return the name's parts as MONAI's own formatter does."""
        parts: dict[str, object] = default_name_formatter(metadict, saver)
        stem = image_stem(str(parts["subject"]))
        case = next((cut[0] for naming in self.namings if (cut := naming.split(stem))), stem)
        return {**parts, "subject": str(Path(str(parts["subject"])).with_name(f"{case}.nii.gz"))}

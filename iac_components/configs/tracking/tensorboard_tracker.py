"""The log that MONAI's ``TensorBoardStatsHandler`` writes, and what is added to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from monai.handlers import TensorBoardStatsHandler
from PIL import Image

from iac_components.common.pages.markdown_table import markdown_table

__all__ = ["TensorboardTracker"]


class TensorboardTracker:
    """Settings as text, further scalars and the pictures of a run in TensorBoard.

    Args:
        handler: MONAI's, which made the writer.
    """

    def __init__(self, handler: TensorBoardStatsHandler) -> None:
        self._writer = handler._writer

    def begin(self, settings: Mapping[str, object]) -> None:
        """See :meth:`Tracker.begin`."""
        rows = [[key, str(value)] for key, value in settings.items()]
        table = markdown_table(["setting", "value"], rows, words=2)
        self._writer.add_text("settings", table)

    def write_numbers(self, numbers: Mapping[str, float], *, epoch: int) -> None:
        """See :meth:`Tracker.write_numbers`."""
        for name, number in numbers.items():
            self._writer.add_scalar(name, number, epoch)

    def add_files(self, files: Sequence[Path], *, epoch: int) -> None:
        """See :meth:`Tracker.add_files`. TensorBoard shows the pictures among them."""
        for file in files:
            if file.suffix == ".png":
                with Image.open(file) as picture:
                    pixels = np.asarray(picture.convert("RGB"))
                self._writer.add_image(file.stem, pixels, epoch, dataformats="HWC")
        self._writer.flush()

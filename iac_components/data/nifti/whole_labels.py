"""Label maps whose integers were rounded by a format or a program, restored to integers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from numpy.typing import NDArray

__all__ = ["LABEL_ROUNDING", "WholeLabelsd", "is_whole"]

LABEL_ROUNDING = 1e-3
"""Distance from an integer up to which a label is that integer (our choice): far above what a
slope such as 1/127 or a resampling in floats leaves, far below an interpolated border."""

_SINGLE_PRECISION = 1e-4
"""Wider by this for float32, which a label at the limit may pass after it was read as float64."""


def is_whole(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Tell which values are integers, but for rounding; NaN and infinity are none."""
    if values.dtype.kind in "iu":
        return np.ones(values.shape, dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(values - np.rint(values)) <= LABEL_ROUNDING, dtype=np.bool_)


class WholeLabelsd(MapTransform):
    """Round labels that are integers up to rounding errors.

    Losses, metrics and crops compare labels with integers: 0.9999999 is a class of its own to
    them, or none, and 0.0000001 is foreground.

    Args:
        keys: label maps, as ``LoadImaged`` gives them.
        allow_missing_keys: whether a key may be absent.
    """

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the items with rounded labels.

        Raises:
            ValueError: naming the file, if a label is further from an integer; no preflight has
                seen it then.
        """
        items = dict(data)
        for key in self.key_iterator(items):
            items[key] = _rounded(items[key], str(key))
        return items


def _rounded(label: torch.Tensor, key: str) -> torch.Tensor:
    """Return the label map in integers of the same type."""
    if not label.is_floating_point():
        return label
    whole = label.round()
    # Not "distance > ...", which NaN would pass.
    if not bool(((label - whole).abs() <= LABEL_ROUNDING + _SINGLE_PRECISION).all()):
        name = label.meta.get("filename_or_obj") if isinstance(label, MetaTensor) else None
        raise ValueError(
            f"label '{name or key}' holds values that are not integers. Round the label map and "
            "save it as uint8."
        )
    return whole

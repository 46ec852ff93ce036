"""Grey values of images whose channels have different units, such as CT beside PET."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, NormalizeIntensity, ScaleIntensityRange

__all__ = ["NormalizeChannelsd"]


class NormalizeChannelsd(MapTransform):
    """Bring each channel of an image to values around 0, by a rule of its own.

    A channel with a window ``[a, b]`` is clipped to it and scaled to -1 to 1, by MONAI's
    ``ScaleIntensityRange``; one without gets mean 0 and standard deviation 1, by its
    ``NormalizeIntensity``.

    Args:
        keys: images ``(C, *S)``.
        windows: one entry a channel, two numbers or None.
        nonzero: whether mean and deviation are those of the voxels that are not 0.
        allow_missing_keys: whether a key may be absent.

    Raises:
        ValueError: if a window is not two growing numbers; when called, if an image has another
            number of channels.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        windows: Sequence[Sequence[float] | None],
        nonzero: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        for window in windows:
            if window is not None and not (len(window) == 2 and window[0] < window[1]):
                raise ValueError(f"windows: {window!r} must be null or two growing numbers.")
        self.windows = [None if window is None else list(window) for window in windows]
        self.nonzero = nonzero

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Return the items with normalised images."""
        items = dict(data)
        for key in self.key_iterator(items):
            items[key] = self._normalized(items[key], str(key))
        return items

    def _normalized(self, image: torch.Tensor, key: str) -> torch.Tensor:
        if image.shape[0] != len(self.windows):
            raise ValueError(
                f"'{key}' has {image.shape[0]} channel(s), windows {len(self.windows)}."
            )
        normalized = image.clone().to(torch.float32)
        for channel, window in enumerate(self.windows):
            rule = (
                NormalizeIntensity(nonzero=self.nonzero)
                if window is None
                else ScaleIntensityRange(*window, -1.0, 1.0, clip=True)
            )
            normalized[channel] = rule(image[channel : channel + 1])[0]
        return normalized

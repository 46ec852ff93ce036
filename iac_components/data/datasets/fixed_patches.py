"""Patches at fixed positions, without augmentation."""

from __future__ import annotations

from iac_components.data.datasets.patches import Item, VolumePatchDataset

__all__ = ["FixedPatches", "fixed_patches"]


class FixedPatches:
    """Some patches of each volume of a dataset: those of epoch 0, cropped only.

    The dataset's volumes are used where they are, and its epoch stays as it is.

    Args:
        dataset: begins its ``patch_transform`` with a crop.
        patches_per_volume: of each volume.

    Raises:
        ValueError: if the dataset crops nothing, or the number is not positive.
    """

    def __init__(self, dataset: VolumePatchDataset, *, patches_per_volume: int = 1) -> None:
        if patches_per_volume < 1:
            raise ValueError(f"patches_per_volume must be at least 1, not {patches_per_volume}.")
        dataset.require_crop()
        self.dataset = dataset
        self.patches_per_volume = patches_per_volume

    @property
    def patients(self) -> list[str]:
        """Patient of each patch."""
        return self.dataset.volume_patients * self.patches_per_volume

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self.dataset.volume_patients) * self.patches_per_volume

    def __getitem__(self, index: int) -> Item:
        """Return patch ``index``, of volume ``index`` modulo their number."""
        return self.dataset.fixed_patch(range(len(self))[index])


def fixed_patches(items: object, *, patches_per_volume: int) -> object:
    """Return fixed patches of a :class:`VolumePatchDataset`; anything else as it is.

    Args:
        items: a dataset, a list of items or a loader.
        patches_per_volume: of each volume.
    """
    if isinstance(items, VolumePatchDataset):
        return FixedPatches(items, patches_per_volume=patches_per_volume)
    return items

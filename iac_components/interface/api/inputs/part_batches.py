"""Slices, patches and whole volumes of a part of a data set."""

from __future__ import annotations

from torch.utils.data import DataLoader

from iac_components.data import CaseDataset, SliceDataset, VolumePatchDataset, epoch_loader
from iac_components.engine.records.config_record import list_cases
from iac_components.interface.api.inputs.batches import Batches, Item, Scoring
from iac_components.interface.api.inputs.parts import Part
from iac_components.interface.api.inputs.transforms import (
    INDICES,
    augmentation,
    class_maps,
    training_volumes,
    whole_volumes,
    window_inferer,
)

__all__ = ["PartBatches"]


class PartBatches(Batches):
    """Slices or patches of a part's volumes; whole volumes for scoring."""

    def __init__(self, name: str, part: Part) -> None:
        self.name, self.part = name, part
        self.shape = (part.recipe.in_channels, *part.recipe.patch_size)
        self.window = (part.recipe.in_channels, *part.recipe.patch_size)
        self.cases = list_cases(part.entries)
        self.class_names = part.recipe.class_names
        self.settings = {**part.origin, **part.recipe.settings()}
        self._datasets: dict[int, SliceDataset | VolumePatchDataset] = {}

    def loader(self, *, batch_size: int | None, seed: int, num_workers: int) -> DataLoader[Item]:
        """See :meth:`Batches.loader`."""
        dataset = self._dataset(seed)
        return epoch_loader(dataset, batch_size=batch_size or 1, seed=seed, num_workers=num_workers)

    def judged(self, *, seed: int) -> SliceDataset | VolumePatchDataset:
        """See :meth:`Batches.judged`."""
        return self._dataset(seed)

    def _dataset(self, seed: int) -> SliceDataset | VolumePatchDataset:
        """Return the dataset of a seed; made once, since it holds the volumes."""
        if seed not in self._datasets:
            patches = self.part.recipe.spatial_dims == 3
            self._datasets[seed] = self._patches(seed) if patches else self._slices(seed)
        return self._datasets[seed]

    def _slices(self, seed: int) -> SliceDataset:
        recipe = self.part.recipe
        return SliceDataset(
            list(self.part.entries),
            training_volumes(recipe),
            slice_transform=augmentation(recipe),
            empty_fraction=recipe.empty_fraction,
            seed=seed,
            cache_dir=self.part.cache_dir,
        )

    def _patches(self, seed: int) -> VolumePatchDataset:
        recipe = self.part.recipe
        return VolumePatchDataset(
            list(self.part.entries),
            training_volumes(recipe),
            patch_transform=augmentation(recipe),
            patches_per_volume=recipe.patches_per_volume,
            carried_keys=INDICES,
            seed=seed,
            cache_dir=self.part.cache_dir,
        )

    def scoring(self, *, num_workers: int) -> Scoring:
        """See :meth:`Batches.scoring`."""
        volumes = whole_volumes(self.part.recipe)
        dataset = CaseDataset(list(self.part.entries), volumes)
        loader: DataLoader[Item] = DataLoader(
            dataset, batch_size=1, shuffle=False, num_workers=num_workers
        )
        return Scoring(loader, window_inferer(self.part.recipe), class_maps(volumes))

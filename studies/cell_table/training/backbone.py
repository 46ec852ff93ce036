"""The trained plain backbone: an ordinary U-Net that has seen one scanner only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from iac_components.common.files.tensor_files import write_tensors
from iac_components.data import SliceDataset, epoch_loader
from iac_components.networks import load_weights
from studies.cell_table.rows.patients import slices_of, split_cases
from studies.cell_table.settings import Recipe, TableSettings
from studies.cell_table.training.features import channels_last
from studies.cell_table.training.fit import fit

__all__ = ["backbone_digest", "load_backbone", "train_backbone"]


def train_backbone(settings: TableSettings, dataset_dir: str | Path, path: str | Path) -> nn.Module:
    """Train the backbone at home and write its weights; a file that is there is kept.

    Args:
        settings: of the table.
        dataset_dir: the data set's folder.
        path: where the weights go.
    """
    if Path(path).is_file():
        return load_backbone(settings, path)
    seed = int(str(settings.section("backbone_training")["seed"]))
    torch.manual_seed(seed)
    network = settings.backbone()
    recipe = settings.recipe("backbone_training")
    home = split_cases(settings, dataset_dir).home
    slices = slices_of(settings, home, augmented=True, shift=None, seed=seed)
    batches = tqdm(
        _batches(slices, recipe, seed), total=recipe.steps, desc="backbone", disable=None
    )
    network.train()
    fit(network, list(network.parameters()), batches, recipe)
    write_tensors(path, network.state_dict())
    return load_backbone(settings, path)


def load_backbone(settings: TableSettings, path: str | Path) -> nn.Module:
    """Build the backbone with the weights of ``path``, in eval mode and channels_last.

    Raises:
        OSError: if there is no such file.
        ValueError: if it is of another network.
    """
    network = settings.backbone()
    load_weights(network, path)
    return channels_last(network.eval())


def backbone_digest(network: nn.Module) -> str:
    """SHA-256 of a network's weights: rows of different backbones must not be mixed unseen."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode("utf-8"))
        digest.update(tensor.detach().contiguous().numpy().tobytes())
    return "sha256:" + digest.hexdigest()


def _batches(
    slices: SliceDataset, recipe: Recipe, seed: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    loader = epoch_loader(slices, batch_size=recipe.batch_size, seed=seed)
    epoch = 0
    while True:
        slices.set_epoch(epoch)
        getattr(loader.sampler, "set_epoch")(epoch)  # noqa: B009
        for batch in loader:
            yield torch.as_tensor(batch["image"]), torch.as_tensor(batch["label"])
        epoch += 1

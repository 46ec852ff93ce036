"""One search through the public interface, and the training of what it found."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

import iac_components as iac
from iac_components.networks import ImplantedNetwork
from iac_components.networks.build import implant_genotype
from iac_components.search_space import Genotype
from studies.cell_table.run import SEEDS, Site
from studies.cell_table.settings import TableSettings
from studies.cell_table.training.costs import measure_costs
from studies.cell_table.training.features import channels_last, decode
from studies.cell_table.training.fit import fit
from studies.cell_table.training.scores import patient_dice, score
from studies.found.halves import SearchHalves
from studies.found.packed import PackedDecoder, PackedFeatures

__all__ = ["Search", "run_search", "train_found"]


@dataclass(frozen=True)
class Search:
    """A search that has ended.

    Attributes:
        genotype: what it found.
        seconds: of the processor, for the whole search.
    """

    genotype: Genotype
    seconds: float


def run_search(
    backbone: nn.Module,
    halves: SearchHalves,
    arguments: Mapping[str, object],
    *,
    seed: int,
    output_dir: Path,
) -> Search:
    """Search around the frozen backbone, on features that were computed once.

    Args:
        backbone: trained.
        halves: of the search's patients.
        arguments: further ones of ``iac.search_cell``.
        seed: of the search.
        output_dir: its folder.
    """
    start = time.process_time()
    genotype = iac.search_cell(
        PackedDecoder(backbone, halves.shapes),
        PackedFeatures(halves.weights),
        PackedFeatures(halves.architecture),
        output_dir=output_dir,
        seed=seed,
        **arguments,  # type: ignore[arg-type]
    )
    return Search(genotype, time.process_time() - start)


def train_found(
    genotype: Genotype, backbone: nn.Module, site: Site, *, settings: TableSettings
) -> list[dict[str, object]]:
    """Train a found cell as the table's were, with each of its seeds.

    Returns:
        Records with the Dice of every test patient and the costs.
    """
    recipe = settings.recipe("cell_training")
    records: list[dict[str, object]] = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        implanted = implant_genotype(copy.deepcopy(backbone), genotype)
        network = channels_last(ImplantedNetwork(implanted, frozen_backbone=True))
        parameters = network.cell_parameters()
        network.train()
        if parameters:
            batches = site.train.batches(recipe.batch_size, seed=seed)
            fit(partial(decode, network.backbone), parameters, batches, recipe)
        classes = score(network.eval().backbone, site.test, num_classes=settings.num_classes)
        costs = measure_costs(network, backbone, slice_shape=settings.slice_shape)
        dice = {name: round(value, 5) for name, value in patient_dice(classes).items()}
        records.append({"seed": seed, "dice": dice, "costs": costs.values()})
    return records

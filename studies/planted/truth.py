"""Each candidate trained alone on a planted task: whether the remedy is one."""

from __future__ import annotations

import copy
from functools import partial

import torch
from torch import nn

from iac_components.networks import ImplantedNetwork, SkipConnection, implant
from iac_components.search_space import DiscreteCell, Genotype, KeptEdge, NodeGenotype, SearchSpace
from studies.cell_table.settings import Recipe
from studies.cell_table.training.features import FeatureSet, channels_last, decode
from studies.cell_table.training.fit import fit
from studies.cell_table.training.networks import Unchanged
from studies.cell_table.training.scores import patient_dice, score
from studies.found.halves import SearchHalves
from studies.planted.operations import CANDIDATES
from studies.planted.tasks import PlantedTask, corrupt

__all__ = ["OPTIONS", "train_option"]

RECIPE = Recipe(steps=200, batch_size=8, rate=0.02, weight_decay=1e-4, warmup_steps=10)

OPTIONS = (
    *((("skip", name),) for name in CANDIDATES if name != "none"),
    (("gate", "skip_connect"),),
    (),
)
"""The edges of a cell of one node; without any, no cell."""


def train_option(
    task: PlantedTask,
    backbone: nn.Module,
    halves: SearchHalves,
    edges: tuple[tuple[str, str], ...],
    *,
    num_classes: int,
    recipe: Recipe = RECIPE,
) -> float:
    """Train one cell where the task spoils the skips; return the judged patients' mean Dice."""
    train, judged = (corrupt(part, task) for part in (halves.weights, halves.judged))
    network = _network(backbone, task, edges)
    parameters = network.cell_parameters()
    torch.manual_seed(0)
    if parameters:
        network.train()
        batches = train.batches(recipe.batch_size, seed=0)
        fit(partial(decode, network.backbone), parameters, batches, recipe)
    return _dice(network, judged, num_classes)


def _network(
    backbone: nn.Module, task: PlantedTask, edges: tuple[tuple[str, str], ...]
) -> ImplantedNetwork:
    kept = tuple(KeptEdge(source, operation) for source, operation in edges)
    space = SearchSpace(2, operations=CANDIDATES, num_nodes=1)
    torch.manual_seed(0)

    def make(connection: SkipConnection) -> nn.Module:
        if not kept or connection.level not in task.levels:
            return Unchanged()
        genotype = Genotype(space, (NodeGenotype(0, 0, kept),), {})
        return DiscreteCell(connection.skip_channels, connection.gate_channels, genotype=genotype)

    implanted = implant(copy.deepcopy(backbone), make)
    return channels_last(ImplantedNetwork(implanted, frozen_backbone=True))


def _dice(network: ImplantedNetwork, judged: FeatureSet, num_classes: int) -> float:
    found = patient_dice(score(network.backbone.eval(), judged, num_classes=num_classes))
    return sum(found.values()) / len(found)

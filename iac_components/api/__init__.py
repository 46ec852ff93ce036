"""The Python interface: from a data set to a network with a found cell, in ten lines.

``import iac_components as iac`` gives these names, loaded when they are first asked for. They put
together the trainers, handlers and checks of the bundles; a network is any supported U-shaped
``nn.Module``, and data are a part of :func:`load_dataset` or whatever gives ``image`` and
``label``.
"""

from __future__ import annotations

from iac_components.adaptation import AdaptableNetwork, Adapter, apply_adapter, load_adapter
from iac_components.api.adapting import adapt
from iac_components.api.cells import search_cell
from iac_components.api.dataset import load_dataset
from iac_components.api.implanting import implant
from iac_components.api.inputs.parts import Data, Part
from iac_components.api.inputs.recipe import Recipe
from iac_components.api.pictures import plot
from iac_components.api.prediction import predict
from iac_components.api.scoring import Evaluation, evaluate
from iac_components.api.topologies import search_topology
from iac_components.api.training import train
from iac_components.dints import DintsArchitecture, build_dints_network, load_architecture
from iac_components.networks import register_fusion_block
from iac_components.search_space import (
    Genotype,
    load_genotype,
    register_operation,
    save_genotype,
)

__all__ = [
    "AdaptableNetwork",
    "Adapter",
    "Data",
    "DintsArchitecture",
    "Evaluation",
    "Genotype",
    "Part",
    "Recipe",
    "adapt",
    "apply_adapter",
    "build_dints_network",
    "evaluate",
    "implant",
    "load_adapter",
    "load_architecture",
    "load_dataset",
    "load_genotype",
    "plot",
    "predict",
    "register_fusion_block",
    "register_operation",
    "save_genotype",
    "search_cell",
    "search_topology",
    "train",
]

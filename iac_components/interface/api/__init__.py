"""Python interface: from a data set to a network with a found cell, in ten lines.

``import iac_components as iac`` gives these names, loaded when they are first asked for. They put
together the trainers, handlers and checks of the bundles; a network is any supported U-shaped
``nn.Module``, and data are a part of :func:`load_dataset` or whatever gives ``image`` and
``label``. The list of the names is ``iac_components.__all__``.
"""

from __future__ import annotations

from iac_components.adaptation import AdaptableNetwork as AdaptableNetwork
from iac_components.adaptation import Adapter as Adapter
from iac_components.adaptation import apply_adapter as apply_adapter
from iac_components.adaptation import load_adapter as load_adapter
from iac_components.dints import DintsArchitecture as DintsArchitecture
from iac_components.dints import build_dints_network as build_dints_network
from iac_components.dints import load_architecture as load_architecture
from iac_components.interface.api.adapting import adapt as adapt
from iac_components.interface.api.cells import search_cell as search_cell
from iac_components.interface.api.dataset import load_dataset as load_dataset
from iac_components.interface.api.implanting import implant as implant
from iac_components.interface.api.inputs.parts import Data as Data
from iac_components.interface.api.inputs.parts import Part as Part
from iac_components.interface.api.inputs.recipe import Recipe as Recipe
from iac_components.interface.api.pictures import plot as plot
from iac_components.interface.api.prediction import predict as predict
from iac_components.interface.api.scoring import Evaluation as Evaluation
from iac_components.interface.api.scoring import evaluate as evaluate
from iac_components.interface.api.topologies import search_topology as search_topology
from iac_components.interface.api.training import train as train
from iac_components.networks import register_fusion_block as register_fusion_block
from iac_components.search_space import Genotype as Genotype
from iac_components.search_space import load_genotype as load_genotype
from iac_components.search_space import register_operation as register_operation
from iac_components.search_space import save_genotype as save_genotype

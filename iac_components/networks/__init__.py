"""Networks: skip modules implanted into any U-shaped one, supernets, and trained weights.

``implant`` wraps the decoder blocks of a network so that each sees its skip feature through a
module of the caller's making (``register_fusion_block`` makes more blocks known, ``topologies``
holds the networks that fuse in another way); ``ImplantedNetwork`` tells the implanted parameters
from the backbone's and keeps a frozen backbone frozen; ``load_weights`` loads trained weights, of
the plain or of the implanted network, whole or not at all. ``CellSearchNetwork`` is the supernet of
a search, ``build_network`` the network that a found genotype, or one of the ``skip_modules`` that
cells are compared with, makes; ``plan_nnunet`` gives nnU-Net's shape to a DynUNet.
"""

from __future__ import annotations

from iac_components.common.built_weights import note_built
from iac_components.networks.averaging_inferer import AveragingInferer
from iac_components.networks.build import (
    build_network,
    implant_genotype,
    implant_skip_module,
)
from iac_components.networks.foreground_inferer import (
    ForegroundSliceInferer,
    ForegroundWindowInferer,
)
from iac_components.networks.implanted_network import ImplantedNetwork
from iac_components.networks.implanting.fusion import (
    SkipFusion,
    fusion_block_types,
    register_fusion_block,
)
from iac_components.networks.implanting.implant import (
    find_skip_connections,
    implant,
    skip_fusions,
    skip_modules,
)
from iac_components.networks.implanting.skip_connection import MakeSkipModule, SkipConnection
from iac_components.networks.monai_repairs import (
    PairedWindowInferer,
    StackedSupervisionLoss,
    make_exportable,
    set_batch_norm_momentum,
)
from iac_components.networks.sizing import (
    Complexity,
    NnUNetPlan,
    build_planned_unet,
    check_patch,
    deep_supervision_weights,
    kept_bytes,
    measure_complexity,
    pad_for_nnunet,
    plan_nnunet,
    plan_slices,
    saved_bytes,
    write_complexity,
)
from iac_components.networks.skip_modules import register_skip_module, registered_skip_modules
from iac_components.networks.supernet import CellSearchNetwork
from iac_components.networks.weights import load_state, load_weights

__all__ = [
    "AveragingInferer",
    "CellSearchNetwork",
    "Complexity",
    "ForegroundSliceInferer",
    "ForegroundWindowInferer",
    "ImplantedNetwork",
    "MakeSkipModule",
    "NnUNetPlan",
    "PairedWindowInferer",
    "SkipConnection",
    "SkipFusion",
    "StackedSupervisionLoss",
    "build_network",
    "build_planned_unet",
    "check_patch",
    "deep_supervision_weights",
    "find_skip_connections",
    "fusion_block_types",
    "implant",
    "implant_genotype",
    "implant_skip_module",
    "kept_bytes",
    "load_state",
    "load_weights",
    "make_exportable",
    "measure_complexity",
    "note_built",
    "pad_for_nnunet",
    "plan_nnunet",
    "plan_slices",
    "register_fusion_block",
    "register_skip_module",
    "registered_skip_modules",
    "saved_bytes",
    "set_batch_norm_momentum",
    "skip_fusions",
    "skip_modules",
    "write_complexity",
]

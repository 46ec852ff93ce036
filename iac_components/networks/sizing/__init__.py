"""Sizes of networks, of their features, and of the patches that they can take."""

from __future__ import annotations

from iac_components.networks.sizing.activation_memory import kept_bytes, saved_bytes
from iac_components.networks.sizing.complexity import (
    Complexity,
    measure_complexity,
    write_complexity,
)
from iac_components.networks.sizing.nnunet_plan import NnUNetPlan, pad_for_nnunet, plan_nnunet
from iac_components.networks.sizing.patch import check_patch
from iac_components.networks.sizing.planned_unet import (
    build_planned_unet,
    deep_supervision_weights,
    plan_slices,
)

__all__ = [
    "Complexity",
    "NnUNetPlan",
    "build_planned_unet",
    "check_patch",
    "deep_supervision_weights",
    "kept_bytes",
    "measure_complexity",
    "pad_for_nnunet",
    "plan_nnunet",
    "plan_slices",
    "saved_bytes",
    "write_complexity",
]

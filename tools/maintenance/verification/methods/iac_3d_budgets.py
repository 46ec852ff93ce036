"""Size of a short run of the cell search's bundles with networks of volumes."""

from __future__ import annotations

from tools.maintenance.verification.budgets import Budget, Options
from tools.maintenance.verification.methods.dints_budgets import PATCH
from tools.maintenance.verification.methods.iac_budgets import QUICK as SLICES

__all__ = ["FULL", "QUICK", "STEPS"]

# One image a step: the supernet of a volume is what takes long.
STEPS: Options = {"steps_per_epoch": 2, "batch_size": 1, **PATCH}

QUICK = Budget(
    stages={
        "search": {**SLICES.stages["search"], **STEPS},
        "train": {**STEPS, "epochs": 2, "val_interval": 1},
        "inference": PATCH,
    },
    networks={
        "unet3d": {"backbone_def#features": [8] * 6},
        "segresnet3d": {"backbone_def#init_filters": 8, "backbone_def#blocks_down": [1, 1, 1, 1]},
        "nnunet3d": {"base_features": 4, "max_features": 16},
    },
    exports=1,
)
"""A search that is decided and a training of two epochs, of tiny networks."""

ONE_EPOCH: Options = {**STEPS, "epochs": 1}

FULL = Budget(
    stages={
        "search": {**ONE_EPOCH, "warmup_epochs": 0},
        "train": {**ONE_EPOCH, "val_interval": 1},
        "inference": PATCH,
    }
)
"""One epoch of two steps of the bundle's own network on small patches."""

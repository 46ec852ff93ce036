"""Size of a short run of the cell search's bundles."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tools.maintenance.verification.budgets import Budget, Options, Phantom

__all__ = ["FULL", "PHANTOMS", "QUICK", "SKIP_MODULES", "STEPS", "other_skip_module"]


def _seen(width: int, height: int) -> Options:
    """Return the field of view around the volumes at the bundle's ``pixdim``."""
    return {"field_of_view": [width, height, -1]}


PHANTOMS: Mapping[str, Phantom] = MappingProxyType(
    {
        "acdc": Phantom("acdc", (32, 36), _seen(64, 64)),
        "amos": Phantom("amos", (40, 36, 6), _seen(64, 64), ((2.0, 2.3), (4.0, 6.0))),
        "brats": Phantom("brats", (36, 32, 6), _seen(64, 64)),
        "hippocampus": Phantom("decathlon", (20, 24, 16), _seen(32, 32)),
        "kits": Phantom("kits", (6, 32, 36), _seen(64, 64), ((1.3, 1.6), (4.0, 6.0))),
    }
)
"""Data set to its phantom."""

STEPS: Options = {"steps_per_epoch": 2, "batch_size": 2, "patch_size": [32, 32]}

PLANNED: dict[str, Options] = {"nnunet": {"patch_size": STEPS["patch_size"]}}
"""Patches for nnU-Net, whose network follows from them."""

QUICK = Budget(
    stages={
        "search": {
            **STEPS,
            "epochs": 6,
            "warmup_epochs": 0,
            "operations": ["none", "skip_connect", "avg_pool_3x3", "sep_conv_3x3"],
            "num_nodes": 2,
            # The audit needs more patients than a phantom has.
            "criterion": "stability",
            "keep_schedule": [2, 1],
            # All is stable at once, so that two steps an epoch decide a genotype in three epochs.
            "stability#threshold": 1e9,
            "stability#window": 1,
            "stability#patience": 1,
            "stability#warmup_epochs": 0,
            "stability#min_signal": 0.0,
        },
        "train": {**STEPS, "epochs": 2, "val_interval": 1},
        "inference": {"patch_size": STEPS["patch_size"]},
    },
    networks={
        "unet": {"backbone_def#features": [8] * 6},
        "resnet": {
            "backbone_def#backbone": "resnet10",
            "backbone_def#decoder_channels": [16] * 5,
        },
        "efficientnet": {"flexible_unet#decoder_channels": [16] * 5},
        "nnunet": {"base_features": 4, "max_features": 16, **PLANNED["nnunet"]},
    },
    exports=1,
)
"""A search that is decided and a training of two epochs, of tiny networks (MONAI has no encoder
smaller than ``resnet10`` and ``efficientnet-b0``)."""

ONE_EPOCH: Options = {**STEPS, "epochs": 1}

FULL = Budget(
    stages={
        "search": {**ONE_EPOCH, "warmup_epochs": 0, "criterion": "stability"},
        "train": {**ONE_EPOCH, "val_interval": 1},
        "inference": {"patch_size": STEPS["patch_size"]},
    },
    networks=PLANNED,
)
"""One epoch of two steps of the bundle's own network on small patches."""

SKIP_MODULES = ("attention", "residual_path", "nested", "plain")
"""The skip modules beside ``iac``."""


def other_skip_module(dataset: str, backbone: str) -> str:
    """Return the skip module that a combination is tried with beside its cell.

    They go round, so that every backbone and every data set meets all four.
    """
    place = sorted(PHANTOMS).index(dataset) + sorted(QUICK.networks).index(backbone)
    return SKIP_MODULES[place % len(SKIP_MODULES)]

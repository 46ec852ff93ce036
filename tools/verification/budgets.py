"""How small a run is: synthetic data of every data set, and settings of seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["FULL", "PHANTOMS", "QUICK", "SKIP_MODULES", "Budget", "Phantom", "other_skip_module"]

Options = Mapping[str, object]
Range = tuple[float, float]


@dataclass(frozen=True)
class Phantom:
    """A synthetic data set in the layout of a bundle's.

    Attributes:
        layout: name of the phantom.
        shape: as ``write_phantom`` takes it.
        spacing: likewise, in mm; None for the layout's own.
        field_of_view: the bundle's option of that name, around the volumes at its ``pixdim``.
    """

    layout: str
    shape: tuple[int, ...]
    field_of_view: tuple[int, int, int]
    spacing: tuple[Range, ...] | None = None
    num_patients: int = 5


PHANTOMS: Mapping[str, Phantom] = MappingProxyType(
    {
        "acdc": Phantom("acdc", (32, 36), (64, 64, -1)),
        "amos": Phantom("amos", (40, 36, 6), (64, 64, -1), ((2.0, 2.3), (4.0, 6.0))),
        "brats": Phantom("brats", (36, 32, 6), (64, 64, -1)),
        "hippocampus": Phantom("decathlon", (20, 24, 16), (32, 32, -1)),
        "kits": Phantom("kits", (6, 32, 36), (64, 64, -1), ((1.3, 1.6), (4.0, 6.0))),
    }
)
"""Data set to its phantom."""


@dataclass(frozen=True)
class Budget:
    """Options of a short run.

    Attributes:
        stages: options of each stage.
        networks: options of each backbone, so that the network is small.
        exports: how many bundles of a backbone are exported; None for all of them.
    """

    stages: Mapping[str, Options]
    networks: Mapping[str, Options] = field(default_factory=dict)
    exports: int | None = None

    def options(self, stage: str, backbone: str) -> dict[str, object]:
        """The options of a stage with a backbone."""
        return {**self.networks.get(backbone, {}), **self.stages[stage]}


STEPS: Options = {"steps_per_epoch": 2, "batch_size": 2, "patch_size": [32, 32]}

QUICK = Budget(
    stages={
        "search": {
            **STEPS,
            "epochs": 6,
            "warmup_epochs": 0,
            "operations": ["none", "skip_connect", "avg_pool_3x3", "sep_conv_3x3"],
            "num_nodes": 2,
            "keep_schedule": [2, 1],
            # All is stable at once, so that two steps an epoch decide a genotype in three epochs.
            "criterion#threshold": 1e9,
            "criterion#window": 1,
            "criterion#patience": 1,
            "criterion#warmup_epochs": 0,
            "criterion#min_signal": 0.0,
        },
        "train": {**STEPS, "epochs": 2, "val_interval": 1},
        "inference": {"patch_size": STEPS["patch_size"]},
    },
    networks={
        "unet": {"backbone_def#features": [8] * 6},
        "resnet": {"backbone_def#decoder_channels": [16] * 5},
        "efficientnet": {"flexible_unet#decoder_channels": [16] * 5},
        "nnunet": {"base_features": 4, "max_features": 16},
    },
    exports=1,
)
"""A search that is decided and a training of two epochs, of tiny networks (the encoders of
``resnet`` and ``efficientnet`` are fixed and stay)."""

ONE_EPOCH: Options = {**STEPS, "epochs": 1}

FULL = Budget(
    stages={
        "search": {**ONE_EPOCH, "warmup_epochs": 0},
        "train": {**ONE_EPOCH, "val_interval": 1},
        "inference": {"patch_size": STEPS["patch_size"]},
    }
)
"""One epoch of two steps of the bundle's own network on small patches."""

SKIP_MODULES = ("attention", "residual_path", "nested", "plain")
"""The skip modules beside ``iac``."""


def other_skip_module(dataset: str, backbone: str) -> str:
    """The skip module that a combination is tried with beside its cell.

    They go round, so that every backbone and every data set meets all four.
    """
    place = sorted(PHANTOMS).index(dataset) + sorted(QUICK.networks).index(backbone)
    return SKIP_MODULES[place % len(SKIP_MODULES)]

"""Size of a short run of the DiNTS bundles."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tools.maintenance.verification.budgets import Budget, Options, Phantom

__all__ = ["FULL", "PHANTOMS", "QUICK"]

# Some larger than a patch, so that windows slide; voxels near those that volumes are resampled to.
ISOTROPIC = ((1.0, 1.0), (1.0, 1.0))

PHANTOMS: Mapping[str, Phantom] = MappingProxyType(
    {
        "brain_tumour": Phantom("msd_brain_tumour", (36, 28, 24)),
        "heart": Phantom("msd_heart", (36, 28, 24)),
        "liver": Phantom("msd_liver", (36, 28, 24), spacing=ISOTROPIC),
        "hippocampus": Phantom("decathlon", (20, 36, 20)),
        "prostate": Phantom("msd_prostate", (36, 40, 16)),
        "lung": Phantom("msd_lung", (36, 28, 24), spacing=ISOTROPIC),
        "pancreas": Phantom("msd_pancreas", (36, 28, 24), spacing=ISOTROPIC),
        "hepaticvessel": Phantom("msd_hepaticvessel", (36, 28, 24), spacing=ISOTROPIC),
        "spleen": Phantom("msd_spleen", (36, 28, 24), spacing=((0.9, 1.1), (1.4, 1.6))),
        "colon": Phantom("msd_colon", (36, 28, 24), spacing=ISOTROPIC),
    }
)
"""Task to its phantom."""

STEPS: Options = {"steps_per_epoch": 2, "batch_size": 2}
SPACE: Options = {"num_blocks": 2, "num_depths": 2, "channel_mul": 0.125}
# Legal for the deepest of the shipped architectures, so that every stage starts without a search.
PATCH: Options = {"patch_size": [32, 32, 32]}
SMALL_PATCH: Options = {"patch_size": [16, 16, 16]}

QUICK = Budget(
    stages={
        "search": {
            **STEPS,
            **SPACE,
            **SMALL_PATCH,
            "epochs": 2,
            "warmup_epochs": 1,
            "val_interval": 1,
        },
        "train": {**STEPS, **PATCH, "epochs": 2, "val_interval": 1},
        "inference": PATCH,
    },
    exports=2,
)
"""An epoch of warm-up, one with architecture steps, and a training of two, of tiny networks."""

FULL = Budget(
    stages={
        "search": {**STEPS, **PATCH, "epochs": 1, "warmup_epochs": 0, "val_interval": 1},
        "train": {**STEPS, **PATCH, "epochs": 1, "val_interval": 1},
        "inference": PATCH,
    }
)
"""One epoch of two steps of the bundle's own space and network on small patches."""

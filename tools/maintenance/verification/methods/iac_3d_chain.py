"""The stages of a cell search in a network of volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor

from tools.maintenance.verification.lively import end_patches
from tools.maintenance.verification.methods.iac_3d_budgets import QUICK
from tools.maintenance.verification.methods.iac_budgets import SKIP_MODULES
from tools.maintenance.verification.methods.iac_chain import IacChain

__all__ = ["VolumeChain"]


class VolumeChain(IacChain):
    """Those of a network of slices, on patches."""

    @property
    def other_name(self) -> str:
        """The skip module that this backbone is tried with."""
        return SKIP_MODULES[sorted(QUICK.networks).index(self.train_bundle.network)]

    def network_input(self, image: Tensor) -> Tensor:
        """Return a patch at one end of the volume and one at the other."""
        size = self.workbench.options(self.inference_bundle)["patch_size"]
        return end_patches(image, cast(Sequence[int], size))

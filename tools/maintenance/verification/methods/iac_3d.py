"""Implantable adaptive cells in networks of volumes.

Their bundles, ``<task>_<backbone>3d_iac_segmentation_<stage>``, are checked as those of slices
are, on phantoms of the Decathlon's tasks.
"""

from __future__ import annotations

from dataclasses import replace

from tools.maintenance.verification.method import METHODS
from tools.maintenance.verification.methods.dints_budgets import PHANTOMS
from tools.maintenance.verification.methods.iac import IAC
from tools.maintenance.verification.methods.iac_3d_budgets import FULL, QUICK
from tools.maintenance.verification.methods.iac_3d_chain import VolumeChain

__all__: list[str] = []

METHODS.register("iac_3d")(
    replace(
        IAC,
        name="iac_3d",
        pattern="<task>_<backbone>3d",
        ending="3d",
        shipped_kinds=("searched", "stand-in"),
        budgets={"quick": QUICK, "full": FULL},
        phantoms=PHANTOMS,
        make_chain=VolumeChain,
    )
)

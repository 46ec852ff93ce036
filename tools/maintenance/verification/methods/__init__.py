"""The methods whose bundles are checked; importing one registers it, in the order of the table."""

from __future__ import annotations

# isort: off
from tools.maintenance.verification.methods import iac as iac
from tools.maintenance.verification.methods import iac_3d as iac_3d
from tools.maintenance.verification.methods import dints as dints

# isort: on

__all__ = ["dints", "iac", "iac_3d"]

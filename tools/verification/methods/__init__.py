"""The methods whose bundles are checked; importing one registers it, in the order of the table."""

from __future__ import annotations

# isort: off
from verification.methods import iac as iac
from verification.methods import dints as dints

# isort: on

__all__ = ["dints", "iac"]

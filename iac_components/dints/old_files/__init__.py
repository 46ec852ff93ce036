"""Architectures from files of MONAI's zoo and Auto3DSeg, and their conversion to JSON."""

from __future__ import annotations

from iac_components.dints.old_files.conversion import add_arguments, convert
from iac_components.dints.old_files.pickled_arrays import load_old_architecture

__all__ = ["add_arguments", "convert", "load_old_architecture"]

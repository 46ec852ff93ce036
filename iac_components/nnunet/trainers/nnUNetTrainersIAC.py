# ruff: noqa: N999 - named as nnU-Net names such files
"""Trainers that nnU-Net finds in this folder, which ``nnUNet_extTrainer`` names.

nnU-Net imports the files of such a folder on their own, outside any package.
"""

from __future__ import annotations

from iac_components.nnunet.searching.search_trainer import nnUNetTrainerIACSearch
from iac_components.nnunet.trainer import nnUNetTrainerIAC

__all__ = ["nnUNetTrainerIAC", "nnUNetTrainerIACSearch"]

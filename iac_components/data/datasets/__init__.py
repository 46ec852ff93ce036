"""Datasets and loaders that feed a network, in an order that a resumed run can ask for again."""

from __future__ import annotations

from iac_components.data.datasets.loader import epoch_loader, share_of_cases
from iac_components.data.datasets.patch_rotation import rotation_angles
from iac_components.data.datasets.patches import VolumePatchDataset
from iac_components.data.datasets.reading import CaseDataset
from iac_components.data.datasets.slices import SliceDataset

__all__ = [
    "CaseDataset",
    "SliceDataset",
    "VolumePatchDataset",
    "epoch_loader",
    "rotation_angles",
    "share_of_cases",
]

"""Reading and writing of NIfTI files: headers, volumes, label maps."""

from __future__ import annotations

from iac_components.data.nifti.label_map_writer import SaveImageLikeInputd, write_label_map
from iac_components.data.nifti.nifti_reader import NiftiReader
from iac_components.data.nifti.probabilities import SaveImageProbabilitiesd
from iac_components.data.nifti.voxel_spacing import VoxelSpacingd
from iac_components.data.nifti.whole_labels import WholeLabelsd

__all__ = [
    "NiftiReader",
    "SaveImageLikeInputd",
    "SaveImageProbabilitiesd",
    "VoxelSpacingd",
    "WholeLabelsd",
    "write_label_map",
]

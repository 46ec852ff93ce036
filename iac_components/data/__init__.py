"""Data: official dataset layouts to datalists, folds by patient, preflight checks.

:func:`load_datalist` is what a bundle's config calls: it reads a dataset as downloaded, draws or
reuses the folds, and lists one part. :func:`check_description` holds what a dataset says about
itself against the bundle; :func:`check_datalist` opens every file and reports all faults at once.
:class:`NiftiReader` and :class:`WholeLabelsd` read images and labels as these checks do.
:class:`SliceDataset` (for 2-D networks), :class:`VolumePatchDataset` (for 3-D ones) and
:func:`epoch_loader` feed a network in an order that a resumed run can ask for again.
"""

from __future__ import annotations

from iac_components.data.case import Case, DatalistEntry
from iac_components.data.channel_intensities import NormalizeChannelsd
from iac_components.data.checks import check_datalist, check_split, check_window_reach
from iac_components.data.datalist import (
    FoldCases,
    fold_part,
    fold_parts,
    image_datalist,
    load_datalist,
)
from iac_components.data.datasets import (
    CaseDataset,
    SliceDataset,
    VolumePatchDataset,
    epoch_loader,
    rotation_angles,
    share_of_cases,
)
from iac_components.data.datasets.fixed_patches import FixedPatches, fixed_patches
from iac_components.data.faults import DatasetError, Fault
from iac_components.data.layouts import (
    CaseNames,
    Description,
    check_description,
    detect_layout,
    read_acdc,
    read_amos,
    read_brats,
    read_dataset,
    read_decathlon,
    read_kits,
    register_description,
    register_layout,
    registered_layouts,
)
from iac_components.data.nifti import (
    NiftiReader,
    SaveImageLikeInputd,
    SaveImageProbabilitiesd,
    VoxelSpacingd,
    WholeLabelsd,
    write_label_map,
)
from iac_components.data.parts import (
    register_part,
    registered_parts,
    select_cases,
    select_patients,
)
from iac_components.data.splits.folds import Folds, make_folds
from iac_components.data.splits.folds_file import load_folds, load_or_make_folds, save_folds

PatchDataset = VolumePatchDataset
"""The name of version 0.4, which configs may hold; MONAI has a class of this name, too."""

__all__ = [
    "Case",
    "CaseDataset",
    "CaseNames",
    "DatalistEntry",
    "DatasetError",
    "Description",
    "Fault",
    "FixedPatches",
    "FoldCases",
    "Folds",
    "NiftiReader",
    "NormalizeChannelsd",
    "PatchDataset",
    "SaveImageLikeInputd",
    "SaveImageProbabilitiesd",
    "SliceDataset",
    "VolumePatchDataset",
    "VoxelSpacingd",
    "WholeLabelsd",
    "check_datalist",
    "check_description",
    "check_split",
    "check_window_reach",
    "detect_layout",
    "epoch_loader",
    "fixed_patches",
    "fold_part",
    "fold_parts",
    "image_datalist",
    "load_datalist",
    "load_folds",
    "load_or_make_folds",
    "make_folds",
    "read_acdc",
    "read_amos",
    "read_brats",
    "read_dataset",
    "read_decathlon",
    "read_kits",
    "register_description",
    "register_layout",
    "register_part",
    "registered_layouts",
    "registered_parts",
    "rotation_angles",
    "save_folds",
    "select_cases",
    "select_patients",
    "share_of_cases",
    "write_label_map",
]

"""Data: official dataset layouts to datalists, folds by patient, preflight checks.

:func:`load_datalist` is what a bundle's config calls: it reads a dataset as downloaded, draws or
reuses the folds, and lists one part. :func:`check_description` holds what a dataset says about
itself against the bundle; :func:`check_datalist` opens every file and reports all faults at once.
:class:`NiftiReader` and :class:`WholeLabelsd` read images and labels as these checks do.
:class:`SliceDataset` (for 2-D networks), :class:`PatchDataset` (for 3-D ones) and
:func:`epoch_loader` feed a network in an order that a resumed run can ask for again.
"""

from __future__ import annotations

from iac_components.data.acdc import read_acdc
from iac_components.data.amos import read_amos
from iac_components.data.brats import read_brats
from iac_components.data.case import Case, DatalistEntry
from iac_components.data.datalist import fold_parts, image_datalist, load_datalist
from iac_components.data.decathlon import read_decathlon
from iac_components.data.description import (
    Description,
    check_description,
    register_description,
)
from iac_components.data.faults import DatasetError, Fault
from iac_components.data.folds import Folds, make_folds
from iac_components.data.folds_file import load_folds, load_or_make_folds, save_folds
from iac_components.data.kits import read_kits
from iac_components.data.label_map_writer import SaveImageLikeInputd, write_label_map
from iac_components.data.layouts import read_dataset, register_layout, registered_layouts
from iac_components.data.loader import epoch_loader, share_of_cases
from iac_components.data.nifti_reader import NiftiReader
from iac_components.data.output_names import CaseNames
from iac_components.data.parts import (
    register_part,
    registered_parts,
    select_cases,
    select_patients,
)
from iac_components.data.patches import PatchDataset
from iac_components.data.preflight import check_datalist
from iac_components.data.reading import CaseDataset
from iac_components.data.slices import SliceDataset
from iac_components.data.split_checks import check_split
from iac_components.data.whole_labels import WholeLabelsd
from iac_components.data.window_reach import check_window_reach

__all__ = [
    "Case",
    "CaseDataset",
    "CaseNames",
    "DatalistEntry",
    "DatasetError",
    "Description",
    "Fault",
    "Folds",
    "NiftiReader",
    "PatchDataset",
    "SaveImageLikeInputd",
    "SliceDataset",
    "WholeLabelsd",
    "check_datalist",
    "check_description",
    "check_split",
    "check_window_reach",
    "epoch_loader",
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
    "save_folds",
    "select_cases",
    "select_patients",
    "share_of_cases",
    "write_label_map",
]

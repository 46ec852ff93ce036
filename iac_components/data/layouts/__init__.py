"""Official folder layouts: a downloaded data set to its cases, its description checked.

A reader of another layout is made known by :func:`register_layout`, what it says about itself by
:func:`register_description`.
"""

from __future__ import annotations

from iac_components.data.layouts.acdc import read_acdc
from iac_components.data.layouts.amos import read_amos
from iac_components.data.layouts.brats import read_brats
from iac_components.data.layouts.catalogue import read_dataset, register_layout, registered_layouts
from iac_components.data.layouts.decathlon import read_decathlon
from iac_components.data.layouts.described.description import (
    Description,
    check_description,
    register_description,
)
from iac_components.data.layouts.general import (
    detect_layout,
    read_auto3dseg,
    read_folder_pair,
    read_nnunet,
)
from iac_components.data.layouts.kits import read_kits
from iac_components.data.layouts.output_names import CaseNames

__all__ = [
    "CaseNames",
    "Description",
    "check_description",
    "detect_layout",
    "read_acdc",
    "read_amos",
    "read_auto3dseg",
    "read_brats",
    "read_dataset",
    "read_decathlon",
    "read_folder_pair",
    "read_kits",
    "read_nnunet",
    "register_description",
    "register_layout",
    "registered_layouts",
]

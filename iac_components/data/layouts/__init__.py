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
from iac_components.data.layouts.description import (
    Description,
    check_description,
    register_description,
)
from iac_components.data.layouts.kits import read_kits
from iac_components.data.layouts.output_names import CaseNames

__all__ = [
    "CaseNames",
    "Description",
    "check_description",
    "read_acdc",
    "read_amos",
    "read_brats",
    "read_dataset",
    "read_decathlon",
    "read_kits",
    "register_description",
    "register_layout",
    "registered_layouts",
]

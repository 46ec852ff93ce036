"""Layouts of people's own data sets: nnU-Net's raw folder, a pair of folders, Auto3DSeg's list."""

from __future__ import annotations

from iac_components.data.layouts.general.auto3dseg import read_auto3dseg
from iac_components.data.layouts.general.detection import detect_layout
from iac_components.data.layouts.general.folder_pair import read_folder_pair
from iac_components.data.layouts.general.nnunet import read_nnunet

__all__ = ["detect_layout", "read_auto3dseg", "read_folder_pair", "read_nnunet"]

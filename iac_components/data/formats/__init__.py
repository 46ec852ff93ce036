"""Images in other formats than NIfTI, turned into NIfTI images in memory when they are read."""

from __future__ import annotations

from iac_components.data.formats.conversion import as_nifti, has_three_axes, is_other_format

__all__ = ["as_nifti", "has_three_axes", "is_other_format"]

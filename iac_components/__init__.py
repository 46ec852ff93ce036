"""Implantable adaptive cells for the skip connections of U-shaped segmentation networks."""

from __future__ import annotations

__version__ = "0.4.0"

"""Segmentations drawn over their images."""

from __future__ import annotations

"""Measurements of a benchmark: read back, summed up, and written as raw numbers."""

from __future__ import annotations

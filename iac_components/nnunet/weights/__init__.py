"""Weights that nnU-Net trained: read safely, and loaded into networks with cells."""

from __future__ import annotations

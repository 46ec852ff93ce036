"""Costs of the topology search against MONAI's classes."""

from __future__ import annotations

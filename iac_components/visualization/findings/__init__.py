"""Findings of a search: effects of parts with their intervals, and how they were decided."""

from __future__ import annotations

"""Helpers without knowledge of the field; every package may import them, they import none."""

from __future__ import annotations

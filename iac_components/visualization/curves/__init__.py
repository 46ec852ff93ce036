"""Curves of a cell search over its epochs."""

from __future__ import annotations

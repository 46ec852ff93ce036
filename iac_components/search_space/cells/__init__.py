"""Cells as modules: the searched one, the discrete one, and the operations of both."""

from __future__ import annotations

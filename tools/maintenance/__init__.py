"""Rendering and checking of this collection's bundles."""

from __future__ import annotations

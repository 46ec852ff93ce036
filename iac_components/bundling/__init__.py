"""Bundles: rendered from sources, for this collection or for own data, and their options."""

from __future__ import annotations

"""Bundles: rendered from sources, for this collection or for own data, and their options checked."""

from __future__ import annotations

"""Bundles rendered from sources, for this collection or for the user's data, and their options."""

from __future__ import annotations

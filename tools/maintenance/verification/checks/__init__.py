"""The checks of a bundle, and their registry."""

from __future__ import annotations

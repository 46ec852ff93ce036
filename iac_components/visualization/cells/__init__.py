"""Pictures of found cells."""

from __future__ import annotations

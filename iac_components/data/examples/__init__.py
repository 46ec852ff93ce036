"""Small data sets to try everything on: synthetic ones in every layout, and real volumes."""

from __future__ import annotations

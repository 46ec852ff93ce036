"""The frame of a run: its arguments, folder and record, and whether its parts fit each other."""

from __future__ import annotations

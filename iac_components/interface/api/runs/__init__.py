"""Frame of a run: its arguments, folder and record, and the check that its parts fit."""

from __future__ import annotations

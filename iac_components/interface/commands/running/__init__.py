"""Stages of a study as ``monai.bundle run`` commands: found, checked, started, remembered."""

from __future__ import annotations

"""Stages of a study as ``monai.bundle run`` commands: found, checked, started, recorded."""

from __future__ import annotations

"""The commands of ``iac``."""

from __future__ import annotations

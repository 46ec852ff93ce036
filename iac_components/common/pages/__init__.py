"""Pages and tables that are written for a reader."""

from __future__ import annotations

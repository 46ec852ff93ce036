"""Findings of a run, in words and as a page."""

from __future__ import annotations

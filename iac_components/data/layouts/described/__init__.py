"""Data sets that describe themselves: ``dataset.json``, its paths and its check."""

from __future__ import annotations

"""Pruning by stability: distributions that have settled, and the rules of removal."""

from __future__ import annotations

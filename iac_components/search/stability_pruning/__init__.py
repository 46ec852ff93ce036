"""Pruning by stability: distributions that have settled, and what goes then."""

from __future__ import annotations

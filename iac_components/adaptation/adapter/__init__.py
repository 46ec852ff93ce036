"""Adapters: their files, and base networks that they are put into."""

from __future__ import annotations

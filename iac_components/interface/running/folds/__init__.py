"""Runs of several folds."""

from __future__ import annotations

"""Splits by patient: folds made of names and a seed, and the file that keeps them."""

from __future__ import annotations

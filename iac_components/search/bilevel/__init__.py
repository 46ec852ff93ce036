"""Bilevel engine: weights and architecture parameters in turn, and its pruned optimizers."""

from __future__ import annotations

"""From probabilities to an architecture: patterns of paths, the shortest chain, the knapsack."""

from __future__ import annotations

from iac_components.dints.decoding.decode import BudgetError, cheapest, dearest, decode

__all__ = ["BudgetError", "cheapest", "dearest", "decode"]

"""Worth of found cells and topologies, with controls on equal budgets."""

from __future__ import annotations

"""Clocks, memory, machine and trainings: shared by the studies of costs and of results."""

from __future__ import annotations

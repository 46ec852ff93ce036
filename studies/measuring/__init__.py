"""Clocks, memory, machine, criteria, arguments and trainings that the studies share."""

from __future__ import annotations

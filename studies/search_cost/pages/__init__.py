"""The page of benchmarks: its tables, and the raw fields that they are made of."""

from __future__ import annotations

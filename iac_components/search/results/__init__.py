"""Results of a search: its trace, its end, and the genotype with where it came from."""

from __future__ import annotations

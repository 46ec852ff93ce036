"""Results of a search: its trace, its end, and the genotype with its provenance."""

from __future__ import annotations

"""The bilevel engine: weights and architecture parameters in turn, and what it may forget."""

from __future__ import annotations

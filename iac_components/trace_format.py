"""Columns of ``search_trace.csv``: what the search writes and the plots read."""

from __future__ import annotations

__all__ = ["TRACE_COLUMNS"]

TRACE_COLUMNS = (
    "epoch",
    "level",
    "node",
    "input",
    "operation",
    "probability",
    "divergence",
    "active",
    "edge_weight",
    "seconds",
)
"""One row an epoch, edge and operation; see :class:`iac_components.search.SearchTrace`."""

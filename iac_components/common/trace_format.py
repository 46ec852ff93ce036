"""Columns of a search's CSV files, which the search writes and the plots read."""

from __future__ import annotations

__all__ = ["AUDIT_COLUMNS", "AUDIT_TRACE", "SEARCH_TRACE", "SUMMARY_COLUMNS", "TRACE_COLUMNS"]

SEARCH_TRACE = "search_trace.csv"
"""Distributions after each epoch, in the folder of a run."""

AUDIT_TRACE = "audit_trace.csv"
"""File of an audit's measurements, beside the trace."""

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

AUDIT_COLUMNS = (
    "epoch",
    "look",
    "kind",
    "level",
    "node",
    "input",
    "operation",
    "effect",
    "low",
    "high",
    "verdict",
)
"""One row of ``audit_trace.csv`` for each part that a look measured.

``kind`` is cells (all together), cell, skip, node, edge or operation; what does not apply is empty.
"""

SUMMARY_COLUMNS = (
    "epoch",
    "seconds",
    "loss",
    "architecture_loss",
    "regularizer_weight",
    "path_entropy",
    "operation_entropy",
    "topology_loss",
    "expected_memory_gigabytes",
    "expected_memory_fraction",
    "budget_fraction",
    "living_operations",
    "validation_dice",
)
"""One row an epoch of a DiNTS search's ``search_summary.csv``.

``architecture_loss`` is empty during warm-up, ``validation_dice`` where nothing was validated.
"""

"""Names of modes and arms in print, and tables in Markdown."""

from __future__ import annotations

from iac_components.common.markdown_table import markdown_table
from studies.search_cost.searches.retraining import BACKBONE, PLAIN

__all__ = ["TITLES", "markdown_table"]

TITLES = {
    "reference": "reference (plain search)",
    "full": "full length",
    "pruned": "pruned",
    "early_stop": "early stop",
    "random": "random",
    PLAIN: "no cell",
    BACKBONE: "backbone, not trained on",
}
"""Modes and arms as they are called in print."""

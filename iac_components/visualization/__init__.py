"""Pictures and analyses of a search and its result, made from files alone.

A search leaves ``search_trace.csv`` and ``genotype.json``; from these (and from NIfTI files, for
overlays) this subpackage draws the curves of a search, the cell it found and when it knew its
answer. It imports nothing else of the project but the writing of files, needs no display, and
keeps no global state: matplotlib's figures are objects here, never pyplot's.
"""

from __future__ import annotations

from iac_components.visualization.cell_graph import draw_cell, draw_genotype
from iac_components.visualization.divergence_curves import draw_divergence_curves
from iac_components.visualization.final_cell import ChosenOperation, chosen_operations
from iac_components.visualization.overlay import OverlayCase, write_overlay, write_overlay_sheet
from iac_components.visualization.probability_curves import draw_probability_curves
from iac_components.visualization.pruning_events import PruningEvent, pruning_events
from iac_components.visualization.report import write_search_report
from iac_components.visualization.top_k import TopK, draw_top_k, rank_chosen_operations, write_top_k
from iac_components.visualization.trace_file import Edge, Trace, read_trace

__all__ = [
    "ChosenOperation",
    "Edge",
    "OverlayCase",
    "PruningEvent",
    "TopK",
    "Trace",
    "chosen_operations",
    "draw_cell",
    "draw_divergence_curves",
    "draw_genotype",
    "draw_probability_curves",
    "draw_top_k",
    "pruning_events",
    "rank_chosen_operations",
    "read_trace",
    "write_overlay",
    "write_overlay_sheet",
    "write_search_report",
    "write_top_k",
]

"""Pictures and analyses of a search and its result.

They are made from the objects that a search saves and their own readers give back: a
:class:`~iac_components.search.SearchTrace`, a :class:`~iac_components.search_space.Genotype`, a
:class:`~iac_components.dints.DintsArchitecture` (and from NIfTI files, for overlays). No display is
needed, and no global state kept: matplotlib's figures are objects here, never pyplot's.
"""

from __future__ import annotations

from iac_components.dints import ActivePath, DintsArchitecture, load_architecture
from iac_components.search import SearchTrace
from iac_components.search.results.trace_file import TracedEdge
from iac_components.visualization.cells.cell_graph import draw_cell, draw_genotype
from iac_components.visualization.cells.final_cell import ChosenOperation, chosen_operations
from iac_components.visualization.curves.divergence_curves import draw_divergence_curves
from iac_components.visualization.curves.probability_curves import draw_probability_curves
from iac_components.visualization.curves.pruning_events import PruningEvent, pruning_events
from iac_components.visualization.curves.top_k import (
    TopK,
    draw_top_k,
    rank_chosen_operations,
    write_top_k,
)
from iac_components.visualization.dints_report import write_dints_report
from iac_components.visualization.findings.effect_curves import draw_effect_curves
from iac_components.visualization.findings.forest import draw_effects
from iac_components.visualization.overlays.overlay import (
    OverlayCase,
    write_overlay,
    write_overlay_sheet,
)
from iac_components.visualization.search_report import write_search_report
from iac_components.visualization.topology.entropy_curves import draw_entropies
from iac_components.visualization.topology.memory_curve import draw_expected_memory
from iac_components.visualization.topology.path_curves import draw_path_probabilities
from iac_components.visualization.topology.path_trace import PathTrace, trace_paths
from iac_components.visualization.topology.summary_file import Summary, read_summary
from iac_components.visualization.topology.topology_graph import draw_topology

# The second readers that version 0.4 had here; what they gave is now the saved object itself.
ChosenPath = ActivePath
DrawnTopology = DintsArchitecture
Edge = TracedEdge
Trace = SearchTrace
read_topology = load_architecture
read_trace = SearchTrace.read

__all__ = [
    "ChosenOperation",
    "ChosenPath",
    "DrawnTopology",
    "Edge",
    "OverlayCase",
    "PathTrace",
    "PruningEvent",
    "Summary",
    "TopK",
    "Trace",
    "chosen_operations",
    "draw_cell",
    "draw_divergence_curves",
    "draw_effect_curves",
    "draw_effects",
    "draw_entropies",
    "draw_expected_memory",
    "draw_genotype",
    "draw_path_probabilities",
    "draw_probability_curves",
    "draw_top_k",
    "draw_topology",
    "pruning_events",
    "rank_chosen_operations",
    "read_summary",
    "read_topology",
    "read_trace",
    "trace_paths",
    "write_dints_report",
    "write_overlay",
    "write_overlay_sheet",
    "write_search_report",
    "write_top_k",
]

"""The report of a search, from its trace alone."""

from __future__ import annotations

from pathlib import Path

from iac_components.common.files import require_writable_directory
from iac_components.visualization.cell_graph import draw_cell
from iac_components.visualization.divergence_curves import draw_divergence_curves
from iac_components.visualization.final_cell import chosen_operations
from iac_components.visualization.probability_curves import draw_probability_curves
from iac_components.visualization.top_k import draw_top_k, write_top_k
from iac_components.visualization.trace_file import read_trace

__all__ = ["write_search_report"]


def write_search_report(trace_csv: str | Path, *, output_dir: str | Path) -> dict[str, Path]:
    """Write every picture and analysis of a search.

    Args:
        trace_csv: the ``search_trace.csv`` that the search wrote.
        output_dir: folder of the files, made if absent; files of an earlier report are replaced.

    Returns:
        The files by name: ``probability_curves``, ``divergence_curves`` and, if there is a cell,
        ``cell`` and ``top_k`` (PNG) and ``top_k_analysis`` (JSON).

    Raises:
        FileNotFoundError: if there is no such trace.
        ValueError: naming the trace and what is wrong in it (see ``read_trace``).
        OSError: if ``output_dir`` cannot be written.
    """
    trace = read_trace(trace_csv)
    cell = chosen_operations(trace)
    folder = require_writable_directory(output_dir)
    curves = {
        "probability_curves": draw_probability_curves(trace, folder / "probability_curves.png"),
        "divergence_curves": draw_divergence_curves(trace, folder / "divergence_curves.png"),
    }
    if not cell:
        return curves
    return {
        **curves,
        "cell": draw_cell(cell, folder / "cell.png", operations=trace.operations),
        "top_k_analysis": write_top_k(trace, folder / "top_k.json"),
        "top_k": draw_top_k(trace, folder / "top_k.png"),
    }

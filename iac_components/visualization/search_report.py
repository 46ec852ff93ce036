"""Report of a cell search, from the files that it wrote."""

from __future__ import annotations

from pathlib import Path

from iac_components.common.files import require_writable_directory
from iac_components.search import SearchTrace
from iac_components.search.audits.looks.audit_file import read_audit_trace
from iac_components.search_space import load_genotype
from iac_components.visualization.cells.cell_graph import draw_genotype
from iac_components.visualization.cells.final_cell import final_cell
from iac_components.visualization.curves.divergence_curves import draw_divergence_curves
from iac_components.visualization.curves.probability_curves import draw_probability_curves
from iac_components.visualization.curves.top_k import draw_top_k, write_top_k
from iac_components.visualization.findings.effect_curves import draw_effect_curves
from iac_components.visualization.findings.forest import draw_effects
from iac_components.visualization.findings.recorded import recorded_findings

__all__ = ["write_search_report"]


def write_search_report(
    trace_csv: str | Path,
    *,
    output_dir: str | Path,
    genotype: str | Path | None = None,
    audit_csv: str | Path | None = None,
) -> dict[str, Path]:
    """Write every picture and analysis of a search.

    Args:
        trace_csv: the ``search_trace.csv`` that the search wrote.
        output_dir: folder of the files, made if absent; files of an earlier report are replaced.
        genotype: the cell that it wrote; the ``genotype.json`` beside the trace if None. Where that
            is absent, as before the end of a search, the trace's last epoch is discretized.
        audit_csv: what the looks of its audit measured; the ``audit_trace.csv`` beside the trace if
            None and there is one.

    Returns:
        The files by name: ``probability_curves``, ``divergence_curves``, ``cell`` and ``top_k``
        (PNG) and ``top_k_analysis`` (JSON); also ``effects`` where the search recorded findings,
        and ``effect_curves`` where its audit has looked (PNG).

    Raises:
        FileNotFoundError: if there is no such trace.
        ValueError: naming the file and what is wrong in it, or that trace and genotype are of
            different spaces. Nothing is written then.
        OSError: if ``output_dir`` cannot be written.
    """
    trace = SearchTrace.read(trace_csv)
    file = Path(genotype or Path(trace_csv).with_name("genotype.json"))
    found = load_genotype(file) if genotype is not None or file.exists() else None
    audit = Path(audit_csv or Path(trace_csv).with_name("audit_trace.csv"))
    looks = read_audit_trace(audit) if audit_csv is not None or audit.exists() else []
    try:
        cell = final_cell(trace, found)
    except ValueError as error:
        raise ValueError(f"{trace_csv}: {error}") from error
    try:
        judged = recorded_findings(cell) is not None
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    folder = require_writable_directory(output_dir)
    curves = folder / "probability_curves.png"
    written = {
        "probability_curves": draw_probability_curves(trace, curves, genotype=cell),
        "divergence_curves": draw_divergence_curves(trace, folder / "divergence_curves.png"),
        "cell": draw_genotype(cell, folder / "cell.png", looks=looks),
        "top_k_analysis": write_top_k(trace, folder / "top_k.json", genotype=cell),
        "top_k": draw_top_k(trace, folder / "top_k.png", genotype=cell),
    }
    if judged:
        written["effects"] = draw_effects(cell, folder / "effects.png", looks=looks)
    if looks:
        written["effect_curves"] = draw_effect_curves(looks, folder / "effect_curves.png")
    return written

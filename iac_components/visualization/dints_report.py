"""Report of a DiNTS search, from the files that it wrote."""

from __future__ import annotations

from pathlib import Path

from iac_components.common.files import require_writable_directory
from iac_components.dints import load_architecture
from iac_components.search import SearchTrace
from iac_components.search.audits.looks.audit_file import read_audit_trace
from iac_components.visualization.findings.effect_curves import draw_effect_curves
from iac_components.visualization.findings.forest import draw_effects
from iac_components.visualization.findings.recorded import recorded_findings
from iac_components.visualization.topology.entropy_curves import draw_entropies
from iac_components.visualization.topology.memory_curve import draw_expected_memory
from iac_components.visualization.topology.path_curves import draw_path_probabilities
from iac_components.visualization.topology.path_trace import require_same_space, trace_paths
from iac_components.visualization.topology.summary_file import read_summary
from iac_components.visualization.topology.topology_graph import draw_topology

__all__ = ["write_dints_report"]


def write_dints_report(
    output_dir: str | Path,
    *,
    trace_csv: str | Path | None = None,
    summary_csv: str | Path | None = None,
    architecture: str | Path | None = None,
    audit_csv: str | Path | None = None,
) -> dict[str, Path]:
    """Write every picture of a DiNTS search.

    Args:
        output_dir: folder of the pictures, made if absent; those of an earlier report are
            replaced.
        trace_csv: the search's trace; ``search_trace.csv`` of ``output_dir`` if None.
        summary_csv: the search's summary; ``search_summary.csv`` of ``output_dir`` if None.
        architecture: what was chosen; ``architecture.json`` of ``output_dir`` if None. The last is
            left out of the pictures if it is absent there, as before the first validation.
        audit_csv: what the looks of its audit measured; the ``audit_trace.csv`` beside the trace if
            None and there is one.

    Returns:
        The PNG files by name: ``topology``, ``entropies``, ``expected_memory`` and
        ``path_probabilities``; also ``effects`` where the search recorded findings, and
        ``effect_curves`` where its audit has looked.

    Raises:
        FileNotFoundError: naming the file that is absent.
        ValueError: naming the file and what is wrong in it, or that trace and architecture are of
            different spaces. Nothing is written then.
        OSError: if ``output_dir`` cannot be written.
    """
    folder = Path(output_dir)
    trace_file = Path(trace_csv or folder / "search_trace.csv")
    chosen_file = Path(architecture or folder / "architecture.json")
    trace = SearchTrace.read(trace_file)
    summary = read_summary(summary_csv or folder / "search_summary.csv")
    left_out = architecture is None and not chosen_file.exists()
    topology = None if left_out else load_architecture(chosen_file)
    audit = Path(audit_csv or trace_file.with_name("audit_trace.csv"))
    looks = read_audit_trace(audit) if audit_csv is not None or audit.exists() else []
    try:
        judged = topology is not None and recorded_findings(topology) is not None
    except ValueError as error:
        raise ValueError(f"{chosen_file}: {error}") from error
    try:
        require_same_space(trace_paths(trace), topology)
    except ValueError as error:
        raise ValueError(f"{trace_file}: {error}") from error
    folder = require_writable_directory(folder)
    paths = folder / "path_probabilities.png"
    written = {
        "topology": draw_topology(folder / "topology.png", topology=topology, trace=trace),
        "entropies": draw_entropies(summary, folder / "entropies.png"),
        "expected_memory": draw_expected_memory(summary, folder / "expected_memory.png"),
        "path_probabilities": draw_path_probabilities(trace, paths, topology=topology),
    }
    if topology is not None and judged:
        written["effects"] = draw_effects(topology, folder / "effects.png")
    if looks:
        written["effect_curves"] = draw_effect_curves(looks, folder / "effect_curves.png")
    return written

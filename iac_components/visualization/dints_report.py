"""The report of a DiNTS search, from the files that it left."""

from __future__ import annotations

from pathlib import Path

from iac_components.common.files import require_writable_directory
from iac_components.visualization.architecture_file import read_topology
from iac_components.visualization.entropy_curves import draw_entropies
from iac_components.visualization.memory_curve import draw_expected_memory
from iac_components.visualization.path_curves import draw_path_probabilities
from iac_components.visualization.path_trace import trace_paths
from iac_components.visualization.summary_file import read_summary
from iac_components.visualization.topology_graph import draw_topology
from iac_components.visualization.topology_space import require_same_space
from iac_components.visualization.trace_file import read_trace

__all__ = ["write_dints_report"]


def write_dints_report(
    output_dir: str | Path,
    *,
    trace_csv: str | Path | None = None,
    summary_csv: str | Path | None = None,
    architecture: str | Path | None = None,
) -> dict[str, Path]:
    """Write every picture of a DiNTS search.

    Args:
        output_dir: folder of the pictures, made if absent; those of an earlier report are
            replaced.
        trace_csv: the search's trace; ``search_trace.csv`` of ``output_dir`` if None.
        summary_csv: the search's summary; ``search_summary.csv`` of ``output_dir`` if None.
        architecture: what was chosen; ``architecture.json`` of ``output_dir`` if None. The last is
            left out of the pictures if it is absent there, as before the first validation.

    Returns:
        The PNG files by name: ``topology``, ``entropies``, ``expected_memory`` and
        ``path_probabilities``.

    Raises:
        FileNotFoundError: naming the file that is absent.
        ValueError: naming the file and what is wrong in it, or that trace and architecture are of
            different spaces. Nothing is written then.
        OSError: if ``output_dir`` cannot be written.
    """
    folder = Path(output_dir)
    trace_file = Path(trace_csv or folder / "search_trace.csv")
    chosen_file = Path(architecture or folder / "architecture.json")
    trace = read_trace(trace_file)
    summary = read_summary(summary_csv or folder / "search_summary.csv")
    left_out = architecture is None and not chosen_file.exists()
    topology = None if left_out else read_topology(chosen_file)
    try:
        require_same_space(trace_paths(trace), topology)
    except ValueError as error:
        raise ValueError(f"{trace_file}: {error}") from error
    folder = require_writable_directory(folder)
    paths = folder / "path_probabilities.png"
    return {
        "topology": draw_topology(folder / "topology.png", topology=topology, trace=trace),
        "entropies": draw_entropies(summary, folder / "entropies.png"),
        "expected_memory": draw_expected_memory(summary, folder / "expected_memory.png"),
        "path_probabilities": draw_path_probabilities(trace, paths, topology=topology),
    }

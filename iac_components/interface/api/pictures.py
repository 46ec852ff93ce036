"""Pictures of a run, from the files in its folder."""

from __future__ import annotations

from pathlib import Path

from iac_components.bundling.options import OptionError
from iac_components.common.files import require_writable_directory
from iac_components.search_space import load_genotype
from iac_components.visualization import (
    draw_effects,
    draw_genotype,
    write_dints_report,
    write_search_report,
)

__all__ = ["plot"]


def plot(folder: str | Path, *, output_dir: str | Path | None = None) -> dict[str, Path]:
    """Draw a search: its curves, its ranks over epochs, the found cell or topology, and effects.

    Args:
        folder: of a search (``search_trace.csv``), or of a found cell alone (``genotype.json``).
        output_dir: folder of the pictures; ``folder`` by default.

    Returns:
        The files by name.

    Raises:
        OptionError: if the folder holds neither.
        ValueError: naming the file and what is wrong in it.

    Example:
        >>> pictures = iac.plot("runs/search")
        >>> pictures["cell"].name
        'cell.png'
    """
    source = Path(folder).expanduser()
    target = source if output_dir is None else Path(output_dir).expanduser()
    trace, summary, cell = (
        source / name for name in ("search_trace.csv", "search_summary.csv", "genotype.json")
    )
    if trace.is_file() and summary.is_file():
        return write_dints_report(
            target,
            trace_csv=trace,
            summary_csv=summary,
            architecture=_if_there(source / "architecture.json"),
        )
    if trace.is_file():
        return write_search_report(trace, output_dir=target)
    if cell.is_file():
        found = load_genotype(cell)
        into = require_writable_directory(target)
        pictures = {"cell": draw_genotype(found, into / "cell.png")}
        if "findings" in found.provenance:
            pictures["effects"] = draw_effects(found, into / "effects.png")
        return pictures
    raise OptionError(
        f"'{folder}' holds no {trace.name} and no {cell.name}: pass the output_dir of a search."
    )


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None

"""Results of a search: the file of what it found, and its pictures."""

from __future__ import annotations

from pathlib import Path

from iac_components.common.console.config_stack import running_parser
from iac_components.common.ranks import is_first_rank
from iac_components.configs.settings import search_settings
from iac_components.dints import (
    BestArchitecture,
    DintsSearchNetwork,
    TopologyAudit,
    save_found_architecture,
)
from iac_components.engine import RunRecord
from iac_components.networks import CellSearchNetwork
from iac_components.search import SearchAudit, SearchTrace, save_found_genotype
from iac_components.visualization import write_dints_report, write_search_report

__all__ = ["save_found_cell", "save_found_topology"]


def save_found_cell(
    output_dir: str | Path,
    network: CellSearchNetwork,
    *,
    trace: SearchTrace,
    audit: SearchAudit,
    record: RunRecord,
    pictures: bool = True,
) -> None:
    """Write ``genotype.json`` with the settings of the config that calls this, then the report.

    Args:
        output_dir: where ``search_trace.csv`` lies.
        network: the supernet.
        trace: of the search.
        audit: of the search.
        record: of the run.
        pictures: draw how the search went, as well.
    """
    folder = Path(output_dir)
    save_found_genotype(
        folder / "genotype.json",
        network,
        trace=trace,
        settings=search_settings(running_parser()),
        record=record,
        audit=audit,
    )
    if pictures and is_first_rank():
        write_search_report(folder / "search_trace.csv", output_dir=folder)


def save_found_topology(
    output_dir: str | Path,
    network: DintsSearchNetwork,
    *,
    trace: SearchTrace,
    audit: TopologyAudit,
    best: BestArchitecture,
    record: RunRecord,
    pictures: bool = True,
) -> None:
    """Write ``architecture.json`` with the settings of the config that calls this, then the report.

    Args:
        output_dir: where ``search_trace.csv`` and ``search_summary.csv`` lie.
        network: the supernet.
        trace: of the search.
        audit: of the search.
        best: the architecture of the best validation, with the budget that it was chosen for.
        record: of the run.
        pictures: draw how the search went, as well.
    """
    folder = Path(output_dir)
    save_found_architecture(
        folder / "architecture.json",
        network,
        trace=trace,
        settings=search_settings(running_parser()),
        record=record,
        budget=best.budget,
        best=best,
        audit=audit,
    )
    if pictures and is_first_rank():
        write_dints_report(folder)

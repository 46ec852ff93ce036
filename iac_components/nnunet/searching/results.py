"""Files that a search inside nnU-Net leaves: those of every search."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from iac_components.engine import CaseList, RunRecord
from iac_components.networks import CellSearchNetwork
from iac_components.search import SearchAudit, SearchTrace, save_found_genotype
from iac_components.search_space import Genotype
from iac_components.visualization import write_search_report

__all__ = ["case_list", "search_record", "write_results"]


def write_results(
    folder: Path,
    network: CellSearchNetwork,
    *,
    trace: SearchTrace,
    audit: SearchAudit,
    record: RunRecord,
) -> Genotype:
    """Write ``genotype.json`` and the pictures beside ``search_trace.csv``.

    Args:
        folder: of the fold.
        network: the supernet, giving one output.
        trace: of the search.
        audit: judges what was found.
        record: of the search; its options are the genotype's settings.
    """
    genotype = save_found_genotype(
        folder / "genotype.json",
        network,
        trace=trace,
        settings=record.options,
        record=record,
        audit=audit,
    )
    write_search_report(folder / "search_trace.csv", output_dir=folder)
    return genotype


def search_record(
    options: Mapping[str, object],
    *,
    weights: Path,
    halves: Mapping[str, Sequence[str]],
    patients: Mapping[str, str],
    epochs: int,
    steps_per_epoch: int,
) -> RunRecord:
    """Return the record of a search, with digests instead of names of files and cases."""
    digest = f"sha256:{hashlib.sha256(weights.read_bytes()).hexdigest()}"
    return RunRecord(
        stage="cell search in nnU-Net",
        options=options,
        files={"weights": digest},
        cases={name: case_list(cases, patients) for name, cases in halves.items()},
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
    )


def case_list(cases: Sequence[str], patients: Mapping[str, str]) -> CaseList:
    """Count and digest cases with their patients."""
    text = "\n".join(f"{patients[case]}\0{case}" for case in cases)
    return CaseList(len(cases), f"sha256:{hashlib.sha256(text.encode('utf-8')).hexdigest()}")

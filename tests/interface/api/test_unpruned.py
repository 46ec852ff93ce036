"""A full search: nothing is pruned, its distributions choose, and an audit judges the end alone."""

from __future__ import annotations

import pytest
from api_project import CELL, SEARCH, Circles, unet

import iac_components as iac


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("patients", [4, 2], ids=["enough to judge", "too few to judge"])
@pytest.mark.parametrize("criterion", ["audit", "stability"])
def test_a_search_that_prunes_nothing_ends_by_its_distributions(criterion, patients, tmp_path):
    cell = {key: value for key, value in CELL.items() if key != "keep_schedule"}
    genotype = iac.search_cell(
        unet(2),
        Circles(4),
        Circles(patients, first=10),
        output_dir=tmp_path,
        **{**SEARCH, "criterion": criterion, "pruning": False},
        **cell,
    )
    assert genotype.nodes
    assert genotype.provenance["stop_reason"] == "max_epochs reached"
    assert ("findings" in genotype.provenance) == (patients > 3)
    assert genotype.provenance["kind"] == "undecided"
    assert not (tmp_path / "audit_trace.csv").exists()

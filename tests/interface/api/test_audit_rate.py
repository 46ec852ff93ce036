"""An audited search around a frozen backbone lets its cells open before it judges them."""

from __future__ import annotations

from pathlib import Path

import pytest
from api_project import CELL, SEARCH, Circles, unet
from monai.bundle import ConfigParser

import iac_components as iac
from iac_components.interface.api.cells import AUDIT_LEARNING_RATE, LEARNING_RATE

SEARCHES = [
    ("audit", True, AUDIT_LEARNING_RATE),
    ("both", True, AUDIT_LEARNING_RATE),
    ("audit", False, LEARNING_RATE),
    ("stability", True, LEARNING_RATE),
]
BUNDLE = "hippocampus_unet_iac_segmentation_search"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("criterion", "frozen", "rate"), SEARCHES)
def test_the_rate_follows_the_criterion(criterion, frozen, rate, tmp_path):
    cell = {key: value for key, value in CELL.items() if key != "keep_schedule"}
    length = {**SEARCH, "criterion": criterion}
    genotype = iac.search_cell(
        unet(2),
        Circles(4),
        Circles(4, first=10),
        output_dir=tmp_path,
        frozen_backbone=frozen,
        **length,
        **cell,
        **({"keep_schedule": (1,)} if criterion == "stability" else {}),
    )
    assert genotype.provenance["settings"]["learning_rate"] == rate
    # Two epochs decide nothing, whatever the judgement of the end makes of it.
    assert genotype.provenance["stop_reason"] == "max_epochs reached"


@pytest.mark.parametrize(("criterion", "frozen", "rate"), SEARCHES)
def test_the_bundle_has_the_same_rates(criterion, frozen, rate):
    root = Path(__file__).parents[3] / "bundles" / BUNDLE
    parser = ConfigParser()
    parser.read_config(root / "configs" / "search.json")
    parser["criterion"] = criterion
    parser["backbone_ckpt"] = "model.pt" if frozen else None
    assert parser.get_parsed_content("learning_rate") == rate

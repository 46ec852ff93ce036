"""A training and a search begin, and build their network, where there are no data."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from monai.bundle import create_workflow

from iac_components.common.console.brief_errors import brief_message

BUNDLES = Path(__file__).parents[3] / "bundles"
SMALL = {"backbone_def#features": [8] * 6}
NAMES = [
    ("hippocampus_unet_iac_segmentation_search", {**SMALL, "num_nodes": 1}),
    ("hippocampus_unet_iac_segmentation_train", SMALL),
    ("hippocampus_dints_segmentation_train", {}),
]


def begun(name, **options):
    stage = name.rpartition("_")[2]
    config = str(BUNDLES / name / "configs" / f"{stage}.json")
    return create_workflow(config_file=config, workflow_type="train", **options)


@pytest.mark.parametrize(("name", "options"), NAMES)
@pytest.mark.filterwarnings("ignore")
def test_the_network_is_there(name, options, tmp_path):
    folders = {"output_dir": str(tmp_path / "out"), "dataset_dir": str(tmp_path / "none")}
    workflow = begun(name, **folders, **options)
    network = workflow.network_def
    assert isinstance(network, torch.nn.Module)
    assert network is workflow.parser.get_parsed_content("network")
    assert not list(tmp_path.iterdir())
    with pytest.raises(RuntimeError) as caught:
        workflow.run()
    assert "found nothing. Pass the downloaded" in str(brief_message(caught.value))


@pytest.mark.filterwarnings("ignore")
def test_the_learning_rate_ends_where_a_client_ends_the_run(tmp_path):
    folders = {"output_dir": str(tmp_path / "out"), "dataset_dir": str(tmp_path / "none")}
    workflow = begun(NAMES[1][0], **{**folders, **SMALL, "train#trainer#max_epochs": 7})
    assert workflow.parser.get_parsed_content("lr_scheduler").T_max == 7

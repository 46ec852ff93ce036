"""The genotype and weights that lie in the bundles: whole, found by a search, and of use."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigWorkflow

from iac_components.networks import CellNetwork, load_weights
from iac_components.search_space import load_genotype

BUNDLES = Path(__file__).parents[2] / "bundles"
DATASETS = ("hippocampus", "acdc")
WITH_WEIGHTS = ("hippocampus",)
ZOO_LIMIT = 25_000_000


def root_of(dataset: str, stage: str) -> Path:
    return BUNDLES / f"{dataset}_unet_iac_segmentation_{stage}"


def workflow_of(dataset: str, stage: str) -> ConfigWorkflow:
    config = root_of(dataset, stage) / "configs" / f"{stage}.json"
    # Only a workflow knows where its bundle lies, so the root is asked for while it runs.
    workflow = ConfigWorkflow(str(config), logging_file=False, initialize=["$@bundle_root"])
    workflow.initialize()
    return workflow


@pytest.mark.parametrize("stage", ["train", "inference"])
@pytest.mark.parametrize("dataset", DATASETS)
def test_shipped_genotype_is_used_by_the_bundle(dataset, stage):
    path = root_of(dataset, stage) / "genotype.json"
    genotype = load_genotype(path)
    provenance = genotype.provenance
    assert provenance["kind"] == "searched"
    assert provenance["stop_reason"] == "genotype decided"
    settings = provenance["settings"]
    assert (settings["dataset"], settings["backbone"]) == (dataset, "unet")
    workflow = workflow_of(dataset, stage)
    assert Path(workflow.parser.get_parsed_content("genotype_path")) == path
    network = workflow.parser.get_parsed_content("network_def")
    assert isinstance(network, CellNetwork)
    assert len(list(network.cell_parameters())) > 0


@pytest.mark.parametrize("dataset", DATASETS)
def test_train_and_inference_ship_the_same_genotype(dataset):
    texts = [
        (root_of(dataset, stage) / "genotype.json").read_bytes() for stage in ("train", "inference")
    ]
    assert texts[0] == texts[1]
    # A genotype is handed on: nothing in it tells of the machine it was found on.
    provenance = json.dumps(json.loads(texts[0])["provenance"])
    assert not re.search(r'"/|\\\\|~', provenance)


@pytest.mark.parametrize("dataset", WITH_WEIGHTS)
def test_shipped_weights_fit_the_shipped_genotype(dataset):
    root = root_of(dataset, "inference")
    path = root / "models" / "model.pt"
    assert path.is_file(), f"{path} is not shipped"
    assert path.stat().st_size < ZOO_LIMIT
    workflow = workflow_of(dataset, "inference")
    assert Path(workflow.parser.get_parsed_content("checkpoint")) == path
    network = workflow.parser.get_parsed_content("network_def")
    load_weights(network, path)
    assert all(bool(torch.isfinite(v).all()) for v in network.state_dict().values())
    with torch.no_grad():
        logits = network.eval()(torch.zeros(1, 1, 48, 64))
    assert logits.shape == (1, 3, 48, 64)
    # Trained: on an image without any contrast, background is what is left.
    assert (logits.argmax(1) == 0).float().mean() > 0.5


@pytest.mark.parametrize("dataset", sorted(set(DATASETS) - set(WITH_WEIGHTS)))
def test_no_weights_where_the_licence_forbids(dataset):
    assert not list(root_of(dataset, "inference").rglob("*.pt"))
    text = (root_of(dataset, "inference") / "docs" / "README.md").read_text(encoding="utf-8")
    assert "No weights are shipped" in text

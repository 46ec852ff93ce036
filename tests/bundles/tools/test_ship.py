"""Weights of a training become those of an inference bundle."""

from __future__ import annotations

import hashlib
import json
import shutil
from functools import partial

import pytest
import torch
from monai.bundle import ConfigParser

from iac_components.bundling.rendering.facts import BUNDLES, IAC
from iac_components.evaluation import CaseRecord, write_metrics
from tools.maintenance.ship import halved, ship

NAME = "hippocampus_unet_iac_segmentation_inference"
CLASSES = ["anterior", "posterior"]
CELLS = IAC / "genotypes" / "hippocampus_unet.json"
NO_CELL = IAC / "no_cell" / "hippocampus_unet.json"


@pytest.fixture
def bundle(tmp_path):
    return shutil.copytree(
        BUNDLES / NAME, tmp_path / NAME, ignore=shutil.ignore_patterns("model.pt", "weights.json")
    )


@pytest.fixture
def evaluation(tmp_path):
    records = [
        CaseRecord(patient, patient, label, name, 0.75, 1.0)
        for patient in ("a", "b")
        for label, name in enumerate(CLASSES, start=1)
    ]
    write_metrics(tmp_path / "test", records, class_names=CLASSES, info={})
    return tmp_path / "test"


def network(bundle, skip_module):
    """The network that was trained."""
    return built(bundle, skip_module=skip_module, genotype_path=str(CELLS))


def deployed(bundle, skip_module):
    """The network of the bundle, whose genotype goes with what was trained."""
    return built(bundle, genotype_path=str(NO_CELL if skip_module == "plain" else CELLS))


def built(bundle, **options):
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.json"))
    for key, value in {"bundle_root": str(bundle), **options}.items():
        parser[key] = value
    return parser.get_parsed_content("network_def")


@pytest.mark.parametrize("skip_module", ["plain", "iac"])
def test_weights_are_flat_and_their_record_says_what_they_are(
    bundle, evaluation, tmp_path, monkeypatch, skip_module
):
    source = network(bundle, skip_module)
    trained = tmp_path / "trained.pt"
    torch.save({"model": source.state_dict()}, trained)
    run = {"options": {"skip_module": skip_module, "epochs": 3}}
    monkeypatch.setattr("tools.maintenance.ship.read_run", lambda path: run)
    shutil.copy(NO_CELL if skip_module == "plain" else CELLS, bundle / "genotype.json")
    ship_it = partial(ship, bundle, trained, evaluations=[evaluation], tested_on="two")
    ship_it(facts={"machine": "a CPU"}, note="Made.")
    model = bundle / "models" / "model.pt"
    shipped = deployed(bundle, skip_module)
    shipped.load_state_dict(torch.load(model, weights_only=True))
    image = torch.rand(1, 1, 48, 64)
    with torch.no_grad():
        assert torch.equal(shipped.eval()(image), source.eval()(image))
    record = json.loads((bundle / "docs" / "weights.json").read_text(encoding="utf-8"))
    assert record["sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert record.get("skip_module", "iac") == skip_module
    assert record["training"] == {"machine": "a CPU", "run": run}
    assert "scored" not in record
    assert record["note"] == "Made."
    twin = "The same training without them"
    ship_it(facts={}, note="Twin.", scored=twin)
    record = json.loads((bundle / "docs" / "weights.json").read_text(encoding="utf-8"))
    assert record["scored"] == twin
    assert record["test"]["dice"]["mean"]["mean"] == 0.75


def test_weights_of_another_network_leave_the_bundle_alone(bundle, evaluation, tmp_path):
    trained = tmp_path / "trained.pt"
    torch.save({"model": {"other": torch.zeros(1)}}, trained)
    with pytest.raises(ValueError, match="other"):
        ship(bundle, trained, evaluations=[evaluation], tested_on="two", facts={}, note="")
    assert not (bundle / "models" / "model.pt").exists()


def test_half_precision_halves_the_file_and_loads_as_it_is(
    bundle, evaluation, tmp_path, monkeypatch
):
    source = network(bundle, "plain")
    trained = tmp_path / "trained.pt"
    torch.save({"model": source.state_dict()}, trained)
    run = {"options": {"skip_module": "plain"}}
    monkeypatch.setattr("tools.maintenance.ship.read_run", lambda path: run)
    shutil.copy(NO_CELL, bundle / "genotype.json")
    sizes = []
    for half in (False, True):
        ship(bundle, trained, evaluations=[evaluation], tested_on="", facts={}, note="", half=half)
        sizes.append((bundle / "models" / "model.pt").stat().st_size)
    assert sizes[1] < 0.6 * sizes[0]
    record = json.loads((bundle / "docs" / "weights.json").read_text(encoding="utf-8"))
    assert record["precision"] == "float16"
    shipped = deployed(bundle, "plain")
    shipped.load_state_dict(torch.load(bundle / "models" / "model.pt", weights_only=True))
    assert {tensor.dtype for tensor in shipped.parameters()} == {torch.float32}
    image = torch.rand(1, 1, 48, 64)
    with torch.no_grad():
        torch.testing.assert_close(
            shipped.eval()(image), source.eval()(image), atol=2e-2, rtol=1e-2
        )


def test_statistics_keep_their_precision_and_kernels_out_of_range_are_refused():
    state = {"norm.running_var": torch.full((3,), 1e-9), "conv.weight": torch.ones(2, 2) / 3}
    kept = halved(state)
    assert torch.equal(kept["norm.running_var"], state["norm.running_var"])
    assert kept["conv.weight"].dtype == torch.float16
    with pytest.raises(ValueError, match=r"conv\.weight.*without --half"):
        halved({**state, "conv.weight": torch.full((2, 2), 1e6)})

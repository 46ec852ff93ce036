"""An exported bundle trains its adapter again, as MONAI Label asks for it."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import replace

import pytest
import torch
from adapters import moved_adapter
from zoo_bundle import write_pairs, write_zoo_bundle

from iac_components.__main__ import main
from iac_components.adaptation import (
    AdapterError,
    AdapterTrainer,
    apply_adapter,
    export_adapted_bundle,
    load_adapter,
    site_datalist,
)
from iac_components.adaptation.adapter.applying import attach_parts, gather_values
from iac_components.adaptation.bundles import retraining
from iac_components.adaptation.bundles.network_bundle import read_bundle
from iac_components.adaptation.bundles.traced import example_input
from iac_components.bundling.options import OptionError
from iac_components.data import DatasetError
from tools.maintenance.verification.runners import ThisProcess

SHAPE = (1, 1, 16, 16, 16)


@pytest.fixture
def zoo(tmp_path):
    return write_zoo_bundle(tmp_path / "zoo")


@pytest.fixture
def export(zoo, tmp_path):
    """Return a function that exports the bundle with an adapter of some kinds."""

    def call(*kinds):
        network = read_bundle(zoo).network
        adapter = moved_adapter(network, *kinds, shape=SHAPE).save(tmp_path / "adapter")
        words = ["export", zoo, adapter, "--output_dir", tmp_path / "made", "--also", "training"]
        assert main([str(word) for word in words]) == 0
        return tmp_path / "made"

    return call


@pytest.fixture
def items(tmp_path):
    return site_datalist(write_pairs(tmp_path / "site", 4))


def train(made, items, **options):
    """Run train.json with what MONAI Label's training task overrides."""
    given = {
        "bundle_root": str(made),
        "train#trainer#max_epochs": 1,
        "train#dataset#data": [{key: item[key] for key in ("image", "label")} for item in items],
        "train#handlers": [],
        "device": "cpu",
        **options,
    }
    ThisProcess().run([made / "configs" / "train.json"], given, made)


def weights(made):
    return hashlib.sha256((made / "models" / "model.pt").read_bytes()).hexdigest()


@pytest.mark.parametrize("kinds", [("lora",), ("norms", "gates"), ("norms", "cells")])
def test_new_values_of_the_same_parts_in_the_released_network(zoo, export, items, kinds):
    made = export(*kinds)
    before = load_adapter(made / "adapter")
    base, old = read_bundle(zoo), read_bundle(made).network
    image = example_input(base)
    train(made, items)
    adapter = load_adapter(made / "adapter")
    found = read_bundle(made).network(image)
    assert not torch.equal(found, old(image))
    assert torch.equal(found, apply_adapter(base.network, adapter)(image))
    assert adapter.parts == before.parts
    assert (adapter.base_name, adapter.base_digest) == (before.base_name, before.base_digest)
    assert adapter.record["trained_again_with"] == [f"case_{n}" for n in range(4)]
    assert any(not torch.equal(adapter.tensors[k], before.tensors[k]) for k in before.tensors)


@pytest.mark.parametrize(
    ("first", "second", "own"),
    [("gates", "gates", "adapter_2"), ("gates", "lora", "adapter_2"), ("lora", "gates", "adapter")],
)
def test_a_bundle_that_was_adapted_before(zoo, items, tmp_path, first, second, own):
    made = zoo
    for name, kind in (("once", first), ("twice", second)):
        base = made
        network = read_bundle(base).network
        adapter = moved_adapter(network, kind, shape=SHAPE).save(tmp_path / f"{name}_adapter")
        also = ["training"] if name == "twice" else []
        made = export_adapted_bundle(base, adapter, tmp_path / name, also=also)
    image = example_input(read_bundle(base))
    old = read_bundle(made).network(image)
    assert torch.equal(old, apply_adapter(network, adapter)(image))
    train(made, items)
    new = read_bundle(made).network(image)
    assert not torch.equal(new, old)
    assert torch.equal(new, apply_adapter(network, made / own)(image))


def test_the_new_values_are_at_the_strength_that_was_chosen(zoo, items, tmp_path):
    network = read_bundle(zoo).network
    found = {}
    for strength in (0.5, 1.0):
        adapter = replace(moved_adapter(network, "norms", shape=SHAPE), strength=strength)
        place = adapter.save(tmp_path / f"adapter_{strength}")
        made = export_adapted_bundle(zoo, place, tmp_path / f"made_{strength}", also=["training"])
        train(made, items)
        found[strength] = load_adapter(made / "adapter")
        assert found[strength].strength == strength
    start = gather_values(attach_parts(copy.deepcopy(network), adapter.parts))
    for name, value in found[1.0].tensors.items():
        assert not torch.equal(value, start[name])
        assert torch.allclose(found[0.5].tensors[name], (value + start[name]) / 2)


def test_again_gives_the_same(export, items):
    made = export("norms")
    digests = []
    for _ in range(2):
        train(made, items)
        digests.append(weights(made))
    assert digests[0] == digests[1]


@pytest.mark.parametrize(("gain", "stays"), [(-0.1, True), (0.1, False)])
def test_what_is_worse_on_validation_cases_is_not_written(export, items, monkeypatch, gain, stays):
    made = export("norms")
    before = weights(made)
    monkeypatch.setattr(retraining, "paired_gain", lambda *_: gain)
    train(made, items[:3], **{"validate#dataset#data": items[3:]})
    assert (weights(made) == before) == stays


def test_the_length_is_that_of_the_option(export, items, capsys):
    made = export("norms")
    AdapterTrainer(made, items, 3, steps_per_epoch=2).run()
    assert "with 4 case(s), 6 steps" in capsys.readouterr().out


def test_monais_command_takes_a_folder_of_cases(export, items, tmp_path):
    made = export("norms")
    before = weights(made)
    given = {"bundle_root": str(made), "dataset_dir": str(tmp_path / "site"), "device": "cpu"}
    given["train#trainer#max_epochs"] = 1
    ThisProcess().run([made / "configs" / "train.json"], given, tmp_path)
    assert weights(made) != before


def test_without_the_option_a_bundle_has_neither(zoo, tmp_path):
    network = read_bundle(zoo).network
    adapter = moved_adapter(network, "norms", shape=SHAPE).save(tmp_path / "adapter")
    words = ["export", zoo, adapter, "--output_dir", tmp_path / "made"]
    assert main([str(word) for word in words]) == 0
    assert not (tmp_path / "made" / "configs" / "train.json").exists()
    with pytest.raises(OptionError, match=r"lacks 'models/released\.pt'.*--also training"):
        AdapterTrainer(tmp_path / "made", [])


def test_other_released_weights_are_refused(export, items, tmp_path):
    made = export("norms")
    before = weights(made)
    other = write_zoo_bundle(tmp_path / "other", seed=1) / "models" / "model.pt"
    (made / "models" / "released.pt").write_bytes(other.read_bytes())
    with pytest.raises(AdapterError, match="it is another network, or was changed since"):
        AdapterTrainer(made, items, 1).run()
    assert weights(made) == before


def test_bad_input_is_told(export, items):
    made = export("norms")
    before = weights(made)
    with pytest.raises(DatasetError, match="no labelled case to train with"):
        AdapterTrainer(made, []).run()
    with pytest.raises(OptionError, match="at least 1"):
        AdapterTrainer(made, items, 0)
    with pytest.raises(OptionError, match="--dataset_dir is not given"):
        site_datalist(None)
    assert weights(made) == before
    config = json.loads((made / "configs" / "train.json").read_text())
    assert config["train"]["trainer"]["max_epochs"] == retraining.EPOCHS

"""Bundles that ship their network as TorchScript alone, from the command line."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import torch
from adapters import moved_adapter
from monai.networks.nets import UNet
from scripted import scripted
from zoo_bundle import SETTINGS, write_pairs, write_zoo_bundle

from iac_components.__main__ import main
from iac_components.adaptation import apply_adapter, load_adapter
from iac_components.adaptation.bundles.network_bundle import read_bundle


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture
def place(tmp_path):
    """A bundle with ``models/model.ts`` and no weights, and labelled cases."""
    zoo = write_zoo_bundle(tmp_path / "zoo")
    file = zoo / "configs" / "inference.json"
    content = json.loads(file.read_text())
    content["network_def"]["norm"] = "batch"
    file.write_text(json.dumps(content))
    torch.manual_seed(0)
    network = UNet(**SETTINGS, norm="batch").eval()
    (zoo / "models" / "model.pt").unlink()
    made = scripted(network, torch.zeros(1, 1, 16, 16, 16), "trace")
    torch.jit.save(made, zoo / "models" / "model.ts")
    write_pairs(tmp_path / "site", 2)
    return tmp_path


def test_it_is_adapted_and_used_by_its_norms(place, capsys):
    zoo, out = place / "zoo", place / "out"
    words = ("--output_dir", out, "--steps", "2", "--budget", "1")
    assert run("adapt", zoo, place / "site", *words) == 0
    told = capsys.readouterr().out
    assert "gates, lora, cells: left out (nothing can be put into the layers of TorchScript" in told
    effects = json.loads((out / "result.json").read_text())["effects"]
    assert [one["candidate"] for one in effects if not one["note"]] == ["norm_statistics", "norms"]
    network = read_bundle(zoo).network
    adapter = moved_adapter(network, "norms", "norm_statistics").save(place / "adapter")
    images = place / "site" / "images"
    for name, choice in (("with", adapter), ("without", "none")):
        words = ("--adapter", choice, "--output_dir", place / name)
        assert run("predict", zoo, images, *words) == 0
    found = [
        np.stack([nib.load(file).get_fdata() for file in sorted((place / name).glob("*.nii.gz"))])
        for name in ("with", "without")
    ]
    assert len(found[0]) == 2
    assert not np.array_equal(*found)


def test_statistics_are_estimated_without_labels(place):
    images, out = place / "site" / "images", place / "out"
    assert run("adapt", place / "zoo", images, "--unlabelled", "--output_dir", out) == 0
    adapter = load_adapter(out / "adapter")
    assert adapter.describe() == "norm_statistics"
    network = read_bundle(place / "zoo").network
    state = apply_adapter(network, adapter).state_dict()
    changed = {name for name, value in network.state_dict().items() if (value != state[name]).any()}
    assert changed
    assert all("running" in name for name in changed)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("adapt", "zoo", "site", "--candidates", "lora"), "--candidates lora: nothing can be put"),
        (("export", "zoo", "adapter"), "ships its network as TorchScript"),
    ],
)
def test_what_it_cannot_have_is_told_in_a_line(place, capsys, words, message):
    moved_adapter(read_bundle(place / "zoo").network, "norms").save(place / "adapter")
    given = [place / word if (place / word).exists() else word for word in words]
    assert run(*given, "--output_dir", place / "out") == 2
    assert message in capsys.readouterr().err
    assert not (place / "out" / "adapter").exists()

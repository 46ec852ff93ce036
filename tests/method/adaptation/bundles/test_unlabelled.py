"""Adapters from images without labels."""

from __future__ import annotations

import json

import pytest
import torch
from zoo_bundle import SETTINGS, write_pairs, write_zoo_bundle

from iac_components.__main__ import main
from iac_components.adaptation import apply_adapter, load_adapter
from iac_components.adaptation.bundles.network_bundle import read_bundle
from iac_components.adaptation.candidates.norm_layers import batch_norms


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture
def place(tmp_path):
    """A bundle whose network has batch norms, and images."""
    zoo = write_zoo_bundle(tmp_path / "zoo")
    file = zoo / "configs" / "inference.json"
    content = json.loads(file.read_text())
    content["network_def"]["norm"] = "batch"
    file.write_text(json.dumps(content))
    from monai.networks.nets import UNet

    torch.save(UNet(**SETTINGS, norm="batch").state_dict(), zoo / "models" / "model.pt")
    write_pairs(tmp_path / "site", 2)
    return tmp_path


def test_statistics_are_estimated_with_a_warning_and_without_a_claim(place, capsys):
    images = place / "site" / "images"
    words = ("--unlabelled", "--output_dir", place / "out")
    assert run("adapt", place / "zoo", images, *words) == 0
    assert "WARNING: without labels nothing was measured" in capsys.readouterr().out
    adapter = load_adapter(place / "out" / "adapter")
    assert adapter.describe() == "norm_statistics"
    assert adapter.record["verdict"] == "not measured"
    assert "effects" not in adapter.record
    bundle = read_bundle(place / "zoo")
    adapted = apply_adapter(bundle.network, adapter)
    (first,) = next(iter(batch_norms(adapted).values()))
    (own,) = next(iter(batch_norms(bundle.network).values()))
    assert not torch.allclose(first.running_mean, own.running_mean)
    # The first norm then sees features of mean 0 and variance 1 on the site's images.
    seen = []
    first.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    cases = [bundle.preprocessing({"image": str(file)})["image"] for file in images.iterdir()]
    adapted(torch.stack([torch.as_tensor(case)[:, 2:18, 2:18, 2:18] for case in cases]))
    features = seen[0].transpose(0, 1).flatten(1)
    assert torch.allclose(first.running_mean, features.mean(dim=1), atol=0.2)


def test_a_network_without_batch_norms_is_refused(tmp_path, capsys):
    write_zoo_bundle(tmp_path / "zoo")
    write_pairs(tmp_path / "site", 2)
    words = ("--unlabelled", "--output_dir", tmp_path / "out")
    assert run("adapt", tmp_path / "zoo", tmp_path / "site" / "images", *words) == 2
    assert "no batch norm" in capsys.readouterr().err
    assert not (tmp_path / "out" / "adapter").exists()


@pytest.mark.parametrize("option", ["--steps", "--source_dir"])
def test_options_without_effect_are_refused(place, capsys, option):
    words = ("--unlabelled", "--output_dir", place / "out", option, "3")
    assert run("adapt", place / "zoo", place / "site" / "images", *words) == 2
    assert f"{option} has no effect with --unlabelled" in capsys.readouterr().err


def test_images_alone_are_told_of_it(place, capsys):
    words = ("--output_dir", place / "out")
    assert run("adapt", place / "zoo", place / "site" / "images", *words) == 2
    assert "--unlabelled" in capsys.readouterr().err

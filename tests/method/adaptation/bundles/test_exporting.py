"""Bundles with their adapters in them."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from adapters import moved_adapter
from zoo_bundle import write_pairs, write_zoo_bundle

from iac_components.__main__ import main
from iac_components.adaptation import (
    Adapter,
    AdapterError,
    apply_adapter,
    export_adapted_bundle,
    predict_with_bundle,
)
from iac_components.adaptation.bundles import exporting
from iac_components.adaptation.bundles.network_bundle import read_bundle
from iac_components.adaptation.bundles.traced import example_input
from iac_components.bundling.options import OptionError

ROOT = Path(__file__).parents[4]


def write_adapter(zoo, folder, *kinds):
    bundle = read_bundle(zoo)
    adapter = moved_adapter(bundle.network, *kinds, shape=(1, 1, 16, 16, 16))
    return adapter.save(folder)


@pytest.fixture
def zoo(tmp_path):
    write_zoo_bundle(tmp_path / "zoo")
    return tmp_path / "zoo"


@pytest.mark.parametrize("kinds", [("norms",), ("lora",), ("gates",), ("norms", "cells")])
def test_an_exported_bundle_gives_what_the_adapted_network_gives(zoo, tmp_path, kinds):
    adapter = write_adapter(zoo, tmp_path / "adapter", *kinds)
    made = export_adapted_bundle(zoo, adapter, tmp_path / "made")
    base, found = read_bundle(zoo), read_bundle(made)
    image = example_input(base)
    adapted = apply_adapter(base.network, adapter)
    assert torch.equal(found.network(image), adapted(image))
    assert not torch.equal(found.network(image), base.network(image))
    # Only what adds modules needs this package.
    meta = json.loads((made / "configs" / "metadata.json").read_text())
    config = json.loads((made / "configs" / "inference.json").read_text())
    needs = "iac_components" in meta.get("required_packages_version", {})
    assert needs == ("iac_components" in json.dumps(config["network_def"]))
    assert needs == (kinds != ("lora",))
    assert meta["version"] == "1.2.3+adapted"
    assert meta["version"] in meta["changelog"]


@pytest.mark.parametrize("kind", ["lora", "cells"])
def test_rounding_by_memory_format_is_no_difference(zoo, tmp_path, monkeypatch, kind):
    file = zoo / "configs" / "inference.json"
    placed = "to(@device, memory_format=torch.channels_last_3d)"
    file.write_text(file.read_text().replace("to(@device)", placed))
    adapter = write_adapter(zoo, tmp_path / "adapter", kind)
    original = torch.nn.Conv3d.forward

    def of_some_cpu(self, x):
        return original(self, x) + 1e-6 * sum(self.weight.stride())

    monkeypatch.setattr(torch.nn.Conv3d, "forward", of_some_cpu)
    export_adapted_bundle(zoo, adapter, tmp_path / "made")


def test_it_runs_by_monais_command_without_special_options(zoo, tmp_path):
    adapter = write_adapter(zoo, tmp_path / "adapter", "norms", "gates")
    made = export_adapted_bundle(zoo, adapter, tmp_path / "made")
    write_pairs(tmp_path / "site", 1)
    images = tmp_path / "site" / "images"
    predict_with_bundle(zoo, images, tmp_path / "expected", adapter=adapter)
    (made / "images").symlink_to(images)
    done = subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", "--config_file", "configs/inference.json"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        cwd=made,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (expected,), (found,) = (
        sorted(folder.rglob("*.nii.gz")) for folder in (tmp_path / "expected", made / "eval")
    )
    assert np.array_equal(nib.load(found).get_fdata(), nib.load(expected).get_fdata())


def test_torchscript_and_onnx_give_the_same(zoo, tmp_path, capsys):
    reason = "an ONNX export is optional: pip install onnx onnxscript onnxruntime"
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module, reason=reason)
    adapter = write_adapter(zoo, tmp_path / "adapter", "norms", "gates")
    words = ["export", zoo, adapter, "--output_dir", tmp_path / "made"]
    assert main([*map(str, words), "--also", "torchscript", "onnx"]) == 0
    assert "monai.bundle run --config_file" in capsys.readouterr().out
    base = read_bundle(zoo)
    network = apply_adapter(base.network, adapter)
    image = torch.rand(3, *example_input(base).shape[1:])  # another batch size
    scripted = torch.jit.load(str(tmp_path / "made" / "models" / "model.ts"))
    with torch.no_grad():
        torch.testing.assert_close(scripted(image), network(image), rtol=1e-4, atol=1e-4)
        import onnxruntime

        session = onnxruntime.InferenceSession(str(tmp_path / "made" / "models" / "model.onnx"))
        (found,) = session.run(None, {"image": image.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), network(image), rtol=1e-4, atol=1e-4)


def test_the_command_that_is_printed_can_be_pasted(zoo, tmp_path, capsys):
    adapter = write_adapter(zoo, tmp_path / "adapter", "lora")
    made = tmp_path / "site a" / "made"
    assert main(["export", str(zoo), str(adapter), "--output_dir", str(made)]) == 0
    _, _, command = capsys.readouterr().out.partition("Run it: ")
    config = made / "configs" / "inference.json"
    assert shlex.split(command)[4:] == ["--config_file", str(config), "--bundle_root", str(made)]


def test_references_into_the_network_follow_it():
    config = {
        "network_def": {"_target_": "UNet", "in_channels": 1},
        "n": "@network_def#in_channels",
    }
    changed = exporting._with_adapter(config, "adapter")
    assert changed["n"] == "@network_def#network#in_channels"
    assert changed["network_def"]["network"] == config["network_def"]


def test_the_base_bundle_is_only_read(zoo, tmp_path):
    before = {path: path.read_bytes() for path in zoo.rglob("*") if path.is_file()}
    adapter = write_adapter(zoo, tmp_path / "adapter", "gates")
    export_adapted_bundle(zoo, adapter, tmp_path / "made")
    assert {path: path.read_bytes() for path in before} == before


def test_files_beside_the_weights_are_copied(zoo, tmp_path):
    torch.save({"strides": [2]}, zoo / "models" / "search_code_1.pt")
    for name in ("released.pt", "model.ts", "model.onnx", "weights.json"):
        (zoo / "models" / name).write_text("of the released network")
    file = zoo / "configs" / "inference.json"
    config = json.loads(file.read_text())
    config["code"] = "$torch.load(@bundle_root + '/models/search_code_1.pt')"
    config["network_def"]["strides"] = "$@code['strides']"
    file.write_text(json.dumps({**config, "imports": ["$import glob", "$import torch"]}))
    adapter = write_adapter(zoo, tmp_path / "adapter", "gates")
    made = export_adapted_bundle(zoo, adapter, tmp_path / "made")
    names = {path.name for path in (made / "models").iterdir()}
    assert names == {"model.pt", "search_code_1.pt"}


def test_what_is_made_of_a_read_only_bundle_can_be_written_to(zoo, tmp_path):
    adapter = write_adapter(zoo, tmp_path / "adapter", "gates")
    (zoo / "scripts").mkdir()
    (zoo / "scripts" / "own.py").write_text("")
    for path in (*zoo.rglob("*"), zoo):
        path.chmod(0o555 if path.is_dir() else 0o444)
    made = export_adapted_bundle(zoo, adapter, tmp_path / "made", also="training")
    assert (made / "scripts" / "own.py").is_file()
    assert all(path.stat().st_mode & stat.S_IWUSR for path in (made, *made.rglob("*")))


def test_a_bundle_is_not_written_into_its_base(zoo, tmp_path, monkeypatch):
    adapter = write_adapter(zoo, tmp_path / "adapter", "gates")
    before = sorted(zoo.rglob("*"))
    monkeypatch.chdir(zoo)
    for place in (zoo / "exported", "exported", zoo):
        with pytest.raises(OptionError, match="lies in the bundle, which is never written to"):
            export_adapted_bundle(zoo, adapter, place)
    assert sorted(zoo.rglob("*")) == before


def test_what_fails_leaves_no_folder(zoo, tmp_path, monkeypatch):
    adapter = write_adapter(zoo, tmp_path / "adapter", "gates")
    original = exporting._with_adapter
    monkeypatch.setattr(exporting, "_changes_structure", lambda *_: False)
    with pytest.raises((OptionError, ValueError)):
        export_adapted_bundle(zoo, adapter, tmp_path / "made")
    assert exporting._with_adapter is original
    assert {path.name for path in tmp_path.iterdir()} == {"zoo", "adapter"}


def test_bad_input_is_told_in_a_line(zoo, tmp_path):
    adapter = write_adapter(zoo, tmp_path / "adapter", "gates")
    with pytest.raises(OptionError, match=r"--also 'tensorrt': choose from torchscript, onnx"):
        export_adapted_bundle(zoo, adapter, tmp_path / "made", also="tensorrt")
    with pytest.raises(OptionError, match="is not empty"):
        export_adapted_bundle(zoo, adapter, adapter)
    bundle = read_bundle(zoo)
    identity = Adapter((), {}, "zoo", "sha256:0", 1).save(tmp_path / "identity")
    with pytest.raises(AdapterError, match="leaves the network as it is"):
        export_adapted_bundle(zoo, identity, tmp_path / "made")
    with torch.no_grad():
        next(bundle.network.parameters()).add_(1)
    other = moved_adapter(bundle.network, "norms").save(tmp_path / "other")
    with pytest.raises(AdapterError, match="another network, or was changed since"):
        export_adapted_bundle(zoo, other, tmp_path / "made")
    assert not (tmp_path / "made").exists()

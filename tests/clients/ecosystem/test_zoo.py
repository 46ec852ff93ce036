"""The model zoo's demands on a bundle, in our words: cheap for all, whole for those with weights.

The zoo's own script is not ours to copy; what it looks at is the specification of bundles.
"""

from __future__ import annotations

import json
from pathlib import Path

import monai.bundle
import pytest
import torch
from packaging.requirements import Requirement

from iac_components.bundling.rendering.adapt import ADAPT_BUNDLE

BUNDLES = sorted(
    path for path in (Path(__file__).parents[3] / "bundles").iterdir() if path.is_dir()
)
SHIPPED = [path for path in BUNDLES if (path / "docs" / "weights.json").is_file()]
OURS = "iac_components"


def metadata(root: Path) -> dict[str, object]:
    return json.loads((root / "configs" / "metadata.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("root", BUNDLES, ids=lambda root: root.name)
def test_files_versions_and_requirements(root):
    assert (root / "LICENSE").is_file()
    found = metadata(root)
    assert found["version"] in found["changelog"]
    assert "_v" not in root.name
    packages = found["required_packages_version"]
    assert "fire" in packages
    # It travels in the zip, and no index has it.
    assert OURS not in packages
    for name, version in packages.items():
        assert str(Requirement(f"{name}=={version}").specifier) == f"=={version}"
    # Nothing has to be downloaded beside the zip.
    assert not list(root.glob("large_files.*"))
    readme = (root / "docs" / "README.md").read_text(encoding="utf-8")
    assert "Model Title" not in readme
    assert "from memory" not in readme
    if root.name != ADAPT_BUNDLE and not root.name.endswith("_search"):
        assert (root / "configs" / "inference.json").is_file()


@pytest.fixture
def arguments(request, tmp_path, monkeypatch):
    """Arguments of MONAI's commands, without ``bundle_root``, from another directory."""
    monkeypatch.chdir(tmp_path)
    root = request.param
    return {
        "net_id": "network_def",
        "meta_file": str(root / "configs" / "metadata.json"),
        "config_file": str(root / "configs" / "inference.json"),
    }


def test_some_bundle_ships_weights():
    assert SHIPPED


@pytest.mark.parametrize("arguments", SHIPPED, ids=lambda root: root.name, indirect=True)
def test_shapes_are_those_of_the_metadata(arguments):
    monai.bundle.verify_net_in_out(**arguments, device="cpu")


@pytest.mark.parametrize("arguments", SHIPPED, ids=lambda root: root.name, indirect=True)
def test_the_scripted_network_is_the_shipped_one(arguments, tmp_path):
    root = Path(arguments["config_file"]).parents[1]
    weights = str(root / "models" / "model.pt")
    monai.bundle.ckpt_export(**arguments, ckpt_file=weights, filepath=str(tmp_path / "model.ts"))
    exported = torch.jit.load(tmp_path / "model.ts").state_dict()
    saved = torch.load(weights, weights_only=True)
    # Flat, as exports and loads without a key take them.
    assert all(isinstance(value, torch.Tensor) for value in saved.values())
    assert exported.keys() == saved.keys()
    assert all(torch.equal(exported[key].cpu(), saved[key]) for key in saved)


@pytest.mark.parametrize("root", SHIPPED, ids=lambda root: root.name)
def test_scores_are_in_the_metadata(root):
    recorded = json.loads((root / "docs" / "weights.json").read_text(encoding="utf-8"))
    mean = recorded["test"]["dice"]["mean"]["mean"]
    assert metadata(root)["eval_metrics"]["mean_dice"] == mean

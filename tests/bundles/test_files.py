"""The files of every bundle, and that they are what the sources render to."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest
from packaging.requirements import Requirement

import iac_components

ROOT = Path(__file__).parents[2]
BUNDLES = ROOT / "bundles"
STAGES = ("search", "train", "inference")
CONFIGS = {
    "search": {"metadata.json", "search.json", "logging.conf"},
    "train": {"metadata.json", "train.json", "evaluate.json", "logging.conf"},
    "inference": {"metadata.json", "inference.json", "logging.conf"},
}
HEADINGS = [
    "Authors",
    "Tags",
    "Model Description",
    "Data",
    "Preprocessing",
    "Performance",
    "Additional Usage Steps",
    "System Configuration",
    "Limitations",
    "Citation",
    "References",
    "License",
]
NAMES = [f"{d}_unet_iac_segmentation_{s}" for d in ("hippocampus", "acdc") for s in STAGES]
REQUIRED = (
    "schema",
    "version",
    "monai_version",
    "pytorch_version",
    "numpy_version",
    "required_packages_version",
    "task",
    "description",
    "authors",
    "copyright",
    "network_data_format",
)
TENSOR = {"type", "format", "num_channels", "spatial_shape", "dtype", "value_range"}
SHARED = Path(os.environ.get("IAC_SHARED", ROOT.parent / "shared"))


def metadata_of(name: str) -> dict:
    return json.loads((BUNDLES / name / "configs" / "metadata.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def renderer() -> ModuleType:
    path = ROOT / "tools" / "render_bundles.py"
    spec = importlib.util.spec_from_file_location("render_bundles", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    """Package to version, of requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    newest = {"python_version": "3.11"}
    return {
        r.name: str(r.specifier).removeprefix("==")
        for r in found
        if r.marker is None or r.marker.evaluate(newest)
    }


def test_these_are_all_bundles():
    assert sorted(path.name for path in BUNDLES.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_names_suit_monai(name):
    # MONAI splits names at "_v", and MONAI Label reads the task type from the name.
    assert "_v" not in name
    assert "segmentation" in name


@pytest.mark.parametrize("name", NAMES)
def test_files_are_complete(name):
    root = BUNDLES / name
    stage = name.rpartition("_")[2]
    assert {path.name for path in (root / "configs").iterdir()} == CONFIGS[stage]
    assert (root / "LICENSE").read_text(encoding="utf-8") == (ROOT / "LICENSE").read_text("utf-8")
    licence = (root / "docs" / "data_license.txt").read_text(encoding="utf-8")
    assert "CC BY" in licence
    assert "http" in licence


@pytest.mark.parametrize("name", NAMES)
def test_readme_has_the_headings_of_the_model_zoo(name):
    text = (BUNDLES / name / "docs" / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^#+ +\**([^*\n]+?)\** *$", text, flags=re.MULTILINE)
    assert [heading for heading in found if heading in HEADINGS] == HEADINGS


@pytest.mark.parametrize("name", NAMES)
def test_rendering_is_up_to_date(name, renderer):
    dataset, backbone, *_, stage = name.split("_")
    rendered = dict(renderer.render(dataset, backbone, stage))
    assert len(rendered) >= 6
    for path, text in rendered.items():
        assert path.is_relative_to(BUNDLES / name)
        assert path.read_text(encoding="utf-8") == text, f"run tools/render_bundles.py: {path}"


def test_renderer_refuses_duplicate_keys(renderer, tmp_path):
    path = tmp_path / "twice.json"
    path.write_text('{"a": {"b": 1, "b": 2}}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"twice\.json: duplicate keys .*b"):
        renderer.read_json(path)


@pytest.mark.parametrize("name", NAMES)
def test_json_files_repeat_no_key(name, renderer):
    paths = sorted((BUNDLES / name).rglob("*.json"))
    assert len(paths) >= 2
    for path in paths:
        renderer.read_json(path)


@pytest.mark.parametrize("name", NAMES)
def test_metadata_follows_the_schema(name):
    path = SHARED / "schema" / "meta_schema_20240725.json"
    if not path.is_file():
        pytest.skip("MONAI's metadata schema is not here; set IAC_SHARED to the folder of schema/")
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(metadata_of(name), schema)


@pytest.mark.parametrize("name", NAMES)
def test_metadata_is_complete(name):
    metadata = metadata_of(name)
    assert [key for key in REQUIRED if not metadata.get(key)] == []
    assert metadata["schema"].endswith("/meta_schema_20240725.json")
    assert metadata["version"] in metadata["changelog"]
    # MONAI sorts versions as strings.
    assert all(0 <= int(part) < 10 for part in metadata["version"].split("."))
    for side, tensor in (("inputs", "image"), ("outputs", "pred")):
        fields = metadata["network_data_format"][side][tensor]
        assert TENSOR.issubset(fields)
        assert isinstance(fields["is_patch_data"], bool)
        assert len(fields["channel_def"]) == fields["num_channels"]
    assert "$" not in json.dumps(metadata)


@pytest.mark.parametrize("name", NAMES)
def test_metadata_names_the_versions_that_are_tested(name, pins):
    metadata = metadata_of(name)
    packages = dict(metadata["required_packages_version"])
    assert packages.pop("iac_components") == iac_components.__version__
    packages["monai"] = metadata["monai_version"]
    packages["torch"] = metadata["pytorch_version"]
    packages["numpy"] = metadata["numpy_version"]
    assert packages == {package: pins.get(package) for package in packages}


@pytest.mark.parametrize("name", NAMES)
def test_channels_are_the_classes(name):
    stage = name.rpartition("_")[2]
    path = BUNDLES / name / "configs" / f"{stage}.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    formats = metadata_of(name)["network_data_format"]
    classes = ["background", *config["class_names"]]
    expected = {str(index): name for index, name in enumerate(classes)}
    assert formats["outputs"]["pred"]["channel_def"] == expected
    assert formats["inputs"]["image"]["num_channels"] == config["in_channels"]

"""The schemas are sound, complete, and true of every bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from options_checks import BUNDLES, check, config_files

from iac_components.bundling.options import allowed_words, load_options
from iac_components.bundling.options.schema import SCHEMAS
from iac_components.bundling.rendering.facts import DINTS, IAC, STAGES, read_json

KINDS = {"value", "choice", "component", "group", "steps", "path", "device"}
METHODS = {"iac": IAC, "dints": DINTS}
ALL_METHODS = ("iac", "iac_3d", "dints")


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_each_file_is_a_schema(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(content)
    assert content["properties"]


@pytest.mark.parametrize("method", ALL_METHODS)
def test_each_entry_is_complete(method):
    for name, option in load_options(method).items():
        assert option.kind in KINDS, name
        if option.is_value:
            assert option.types, name
            assert option.meaning.endswith("."), name
            assert allowed_words(option.schema), name


def test_a_method_adds_to_what_both_share():
    iac, dints = load_options("iac"), load_options("dints")
    assert iac["epochs"] == dints["epochs"]
    assert iac["patch_size"].schema["maxItems"] == 2
    assert dints["patch_size"].schema["maxItems"] == 3
    assert "num_nodes" not in dints


def test_cells_in_volumes_have_the_options_of_cells_and_those_of_volumes():
    iac, volumes, dints = (load_options(method) for method in ALL_METHODS)
    assert volumes["num_nodes"] == iac["num_nodes"]
    for name in ("patch_size", "flip_probabilities", "patches_per_volume"):
        assert volumes[name] == dints[name]
    assert not {"field_of_view", "empty_fraction"} & set(volumes)


def sources(folder: Path) -> set[str]:
    """Every top-level key that a config of the method may get."""
    paths = [path for stage in STAGES for path in (folder / stage).glob("*.json")]
    paths = [path for path in paths if path.name != "metadata.json"]
    paths += (folder / "overrides").rglob("*.json")
    keys = {key for path in paths for key in read_json(path)}
    for path in (folder / "backbones").glob("*.json"):
        keys |= set(read_json(path).get("definition", {}))
    return {key.removeprefix("+").partition("#")[0] for key in keys}


@pytest.mark.parametrize(("method", "folder"), METHODS.items())
def test_every_key_of_a_template_has_an_entry(method, folder):
    missing = sources(folder) - set(load_options(method))
    assert not missing, f"add an entry to iac_components/bundling/options/schemas for {missing}"


@pytest.mark.parametrize("bundle", sorted(path.name for path in BUNDLES.iterdir() if path.is_dir()))
def test_the_defaults_of_every_bundle_pass(bundle):
    assert check(config_files(bundle), {}) is None

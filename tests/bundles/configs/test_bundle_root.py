"""Paths are anchored to the config file, whoever reads it and from wherever."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from monai.bundle import ConfigParser

from iac_components.configs import find_bundle_root

BUNDLES = Path(__file__).parents[3] / "bundles"
CONFIG = {"imports": [], "dataset_name": "mine", "seed": 3, "root": {"_target_": "unknown"}}
CALL = "iac_components.configs.find_bundle_root"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def bundles(tmp_path):
    """Two bundles that differ in their data set alone."""
    for name in ("mine", "other"):
        configs = tmp_path / name / "configs"
        configs.mkdir(parents=True)
        content = {**CONFIG, "dataset_name": name, "root": {"_target_": CALL}}
        (configs / "train.json").write_text(json.dumps(content), encoding="utf-8")
    return tmp_path


def test_by_a_variable_of_the_caller(bundles):
    other = bundles / "other" / "configs" / "train.json"
    file = str(bundles / "mine" / "configs" / "train.json")
    parser = ConfigParser()
    parser.read_config(file)
    parser["seed"] = 4
    assert other.is_file()
    assert parser.get_parsed_content("root") == str(bundles / "mine")


def test_by_a_list_of_files(bundles):
    files = [str(bundles / "mine" / "configs" / "train.json")]
    parser = ConfigParser()
    parser.read_config(files)
    assert parser.get_parsed_content("root") == str(bundles / "mine")


def test_by_the_bundles_folder(bundles):
    folder = bundles / "other"
    parser = ConfigParser()
    parser.read_config(str(folder / "configs" / "train.json"))
    assert parser.get_parsed_content("root") == str(folder)


class Operator:
    """Keeps the path and the parser, as Deploy's does."""

    def __init__(self, folder):
        self._path = folder / "mine"
        self._parser = ConfigParser()
        self._parser.read_config(str(self._path / "configs" / "train.json"))

    def root(self):
        return self._parser.get_parsed_content("root")


def test_by_an_attribute_of_the_caller(bundles):
    assert Operator(bundles).root() == str(bundles / "mine")


def test_by_a_literal_of_the_caller(bundles):
    code = (
        f"parser.read_config({str(bundles / 'mine' / 'configs' / 'train.json')!r})\n"
        "found = parser.get_parsed_content('root')"
    )
    names = {"parser": ConfigParser()}
    exec(compile(code, "a script", "exec"), names)
    assert names["found"] == str(bundles / "mine")


def test_by_the_working_directory(bundles, monkeypatch):
    monkeypatch.chdir(bundles / "other")
    parser = ConfigParser(json.loads(Path("configs/train.json").read_text(encoding="utf-8")))
    assert parser.get_parsed_content("root") == str(bundles / "other")


def test_where_nobody_knows_the_file(elsewhere):
    parser = ConfigParser({**CONFIG, "root": {"_target_": CALL}})
    assert parser.get_parsed_content("root") == str(elsewhere) == os.getcwd()


def test_outside_a_config():
    with pytest.raises(RuntimeError, match="called by a bundle's config"):
        find_bundle_root()


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("hippocampus_unet_iac_segmentation_search", ("data/Task04_Hippocampus",)),
        ("hippocampus_unet_iac_segmentation_train", ("genotype.json", "models/model.pt")),
        ("hippocampus_unet_iac_segmentation_inference", ("genotype.json", "models/model.pt")),
        ("hippocampus_dints_segmentation_search", ("data/Task04_Hippocampus",)),
        ("hippocampus_dints_segmentation_train", ("architecture.json", "models/model.pt")),
        ("hippocampus_dints_segmentation_inference", ("architecture.json", "models/model.pt")),
    ],
)
def test_a_bundles_network_is_built_from_another_folder(name, files):
    """No workflow, no data, no option: as federated and deployed readers do it."""
    root = BUNDLES / name
    file = root / "configs" / f"{name.rpartition('_')[2]}.json"
    parser = ConfigParser()
    parser.read_config(file)
    network = parser.get_parsed_content("network")
    assert network is parser.get_parsed_content("network_def")
    assert parser.get_parsed_content("bundle_root") == str(root)
    names = ("dataset_dir", "genotype_path", "architecture_path", "checkpoint")
    found = {parser.get_parsed_content(key) for key in names if key in parser}
    assert {str(root / path) for path in files} <= found

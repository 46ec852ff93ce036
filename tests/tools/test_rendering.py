"""How bundles are made of their sources: merging, rounding, texts, and refusing what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import rendering
from bundle_facts import (
    SOURCES,
    STAGES,
    BackboneSource,
    DatasetSource,
    known,
    load_backbone,
    load_dataset,
    read_json,
)
from rendering import (
    Combination,
    genotype_source,
    render,
    substitute,
    to_json,
    write_bundle,
)


def combine(tmp_path: Path, *, backbone: str = "unet", **config: object) -> Combination:
    """Hippocampus under another name, with some keys changed."""
    dataset = load_dataset("hippocampus")
    changed = {**dataset.config, "dataset_name": "mine", **config}
    return Combination(replace(dataset, config=changed), load_backbone(backbone), tmp_path)


def template(stage: str) -> Path:
    return SOURCES / stage / f"{stage}.json"


def test_sources_are_known_by_their_files_without_a_second_ending():
    assert known("datasets") == ("acdc", "amos", "brats", "hippocampus", "kits")
    assert known("backbones") == ("efficientnet", "nnunet", "resnet", "unet")


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (load_dataset, "data set 'x' is unknown. Known: acdc, amos"),
        (load_backbone, "backbone 'x' is unknown. Known: efficientnet, nnunet, resnet, unet"),
    ],
)
def test_an_unknown_source_lists_the_known_ones(load, message):
    with pytest.raises(ValueError, match=message):
        load("x")


@pytest.mark.parametrize("name", known("datasets"))
def test_a_source_is_called_as_its_file(name):
    assert load_dataset(name).name == name


@pytest.mark.parametrize("name", known("backbones"))
def test_a_backbone_is_called_as_its_file(name):
    assert load_backbone(name).name == name


def test_a_key_twice_is_refused(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": {"b": 1, "b": 2}}')
    with pytest.raises(ValueError, match=r"a\.json: duplicate keys among \['b', 'b'\]"):
        read_json(path)


def test_json_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "a.json"
    content = {"b": [1, None, "é"], "a": {"c": True}}
    path.write_text(to_json(content), encoding="utf-8")
    assert read_json(path) == content
    assert list(read_json(path)) == ["b", "a"]


@pytest.mark.parametrize(
    ("backbone", "sizes"),
    [
        ("unet", {"field_of_view": [48, 64, -1], "patch_size": [48, 48]}),
        ("resnet", {"field_of_view": [64, 64, -1], "patch_size": [64, 64]}),
    ],
)
def test_sizes_are_rounded_up_to_what_the_backbone_halves(tmp_path, backbone, sizes):
    combination = combine(
        tmp_path, backbone=backbone, field_of_view=[33, 64, -1], patch_size=[48, 33]
    )
    assert combination.sizes() == sizes
    config = combination.config("train", template("train"))
    assert {key: config[key] for key in sizes} == sizes


@pytest.mark.parametrize(
    ("backbone", "pixdim", "multiple"),
    [
        ("unet", [1, 1, -1], 32),
        ("resnet", [1, 1, -1], 32),
        ("nnunet", [1, 1, -1], 32),
        # The second axis, four times as coarse, waits for the first: one halving more than without.
        ("nnunet", [1, 4, -1], 32),
    ],
)
def test_spatial_multiple_is_that_of_the_network_built(tmp_path, backbone, pixdim, multiple):
    patch = [64, 24] if pixdim[1] == 4 else [64, 64]
    combination = combine(
        tmp_path, backbone=backbone, pixdim=pixdim, patch_size=patch, field_of_view=[*patch, -1]
    )
    assert combination.spatial_multiple() == multiple


def test_keys_of_a_stage_reach_that_stage_alone(tmp_path):
    steps = {
        "search": {"train#preprocessing#transforms#0#keys": ["image"], "epochs": 7},
        "train": {"+imports": ["$import json"]},
        "inference": {},
    }
    combination = combine(tmp_path, by_stage=steps)
    search, train = (combination.config(s, template(s)) for s in ("search", "train"))
    assert search["epochs"] == 7
    assert search["train"]["preprocessing"]["transforms"][0]["keys"] == ["image"]
    assert search["imports"] == read_json(template("search"))["imports"]
    assert train["epochs"] == read_json(template("train"))["epochs"] != 7
    assert train["imports"] == [*read_json(template("train"))["imports"], "$import json"]


def test_a_stage_key_that_no_template_has_is_refused(tmp_path):
    steps = {"search": {"epcohs": 7}, "train": {}, "inference": {}}
    with pytest.raises(ValueError, match="search: no key 'epcohs' in the template"):
        combine(tmp_path, by_stage=steps).config("search", template("search"))


def test_a_config_without_a_network_is_refused(tmp_path):
    backbone = BackboneSource(
        {"backbone": None, "definition": {"backbone_def": None}, "by_stage": {"train": {}}},
        {"size_divisor": 16},
    )
    combination = replace(combine(tmp_path), backbone=backbone)
    with pytest.raises(ValueError, match=r"no source fills \['backbone', 'backbone_def'\]"):
        combination.config("train", template("train"))


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("backbone", known("backbones"))
def test_the_networks_keys_take_the_place_of_the_templates_one(tmp_path, stage, backbone):
    combination = combine(tmp_path, backbone=backbone)
    keys = list(combination.config(stage, template(stage)))
    inserted = list(combination.backbone.config["definition"])
    start = keys.index(inserted[0])
    before = list(read_json(template(stage)))
    place = before.index("backbone_def")
    assert keys[start : start + len(inserted)] == inserted
    assert keys[:start] == before[:place]
    assert keys[start + len(inserted) :] == before[place + 1 :]


def test_overrides_of_a_backbone_go_to_its_bundles_alone(tmp_path):
    names = {
        backbone: {path.name for path, _ in render(combine(tmp_path, backbone=backbone), "train")}
        for backbone in ("unet", "nnunet")
    }
    assert names["nnunet"] - names["unet"] == {"nnunet_recipe.json"}


@pytest.mark.parametrize("stage", STAGES)
def test_rendered_texts_leave_no_placeholder(tmp_path, stage):
    for path, text in render(combine(tmp_path), stage):
        assert path.is_relative_to(tmp_path / f"mine_unet_iac_segmentation_{stage}")
        if path.name in ("metadata.json", "README.md"):
            assert "$" not in text, path


@pytest.mark.parametrize(
    ("dataset", "backbone", "name"),
    [("acdc", "unet", "acdc_unet"), ("mine", "nnunet", "hippocampus_unet")],
)
def test_a_stand_in_genotype_is_called_one(tmp_path, monkeypatch, dataset, backbone, name):
    # Others may be added, and the next best of a combination with them.
    folder = tmp_path / "sources" / "genotypes"
    folder.mkdir(parents=True)
    for known_name in ("acdc_unet", "hippocampus_unet"):
        text = (SOURCES / "genotypes" / f"{known_name}.json").read_text(encoding="utf-8")
        (folder / f"{known_name}.json").write_text(text, encoding="utf-8")
    combination = combine(tmp_path, backbone=backbone, dataset_name=dataset)
    with monkeypatch.context() as patch:
        patch.setattr(rendering, "SOURCES", tmp_path / "sources")
        assert genotype_source(combination).stem == name
    files = {path.name: text for path, text in render(combination, "train")}
    assert ("is a stand-in" in files["README.md"]) == (dataset == "mine")
    assert "genotype.json" not in {path.name for path, _ in render(combination, "search")}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$n", 3),
        ("n is $n", "n is 3"),
        ({"a": ["$n", 1, None]}, {"a": [3, 1, None]}),
        ("costs $$5", "costs $5"),
        (True, True),
    ],
)
def test_words_are_put_into_any_string(value, expected):
    assert substitute(value, {"n": 3}) == expected


def test_a_word_that_no_source_gives_is_refused():
    with pytest.raises(KeyError, match="missing"):
        substitute({"a": "some $missing word"}, {})


def test_written_once_and_then_only_what_differs(tmp_path):
    combination = combine(tmp_path)
    asked = write_bundle(combination, "search", check=True)
    assert asked
    assert not any(path.exists() for path in asked)
    assert write_bundle(combination, "search") == asked
    assert write_bundle(combination, "search") == []
    config = combination.root("search") / "configs" / "search.json"
    config.write_text("{}")
    assert write_bundle(combination, "search", check=True) == [config]
    assert config.read_text() == "{}"
    assert write_bundle(combination, "search") == [config]
    assert json.loads(config.read_text())["dataset_name"] == "mine"


def test_weights_that_are_there_are_not_called_missing(tmp_path):
    combination = combine(tmp_path)
    (readme,) = (t for p, t in render(combination, "inference") if p.name == "README.md")
    assert "No weights are shipped" in readme
    model = combination.root("inference") / "models" / "model.pt"
    model.parent.mkdir(parents=True)
    model.touch()
    (readme,) = (t for p, t in render(combination, "inference") if p.name == "README.md")
    assert "No weights are shipped" not in readme


def test_a_data_set_keeps_its_licence(tmp_path):
    combination = combine(tmp_path)
    own = DatasetSource(combination.dataset.config, combination.dataset.words, "My licence.\n")
    texts = {path.name: text for path, text in render(replace(combination, dataset=own), "train")}
    assert texts["data_license.txt"] == "My licence.\n"

"""Bundles are made of their sources: merging, rounding, texts, and refusing what is wrong."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from iac_components.bundling.rendering import (
    METHODS,
    DintsCombination,
    IacCombination,
    all_combinations,
)
from iac_components.bundling.rendering.combination import (
    Combination,
    render,
    substitute,
    write_bundle,
)
from iac_components.bundling.rendering.facts import (
    DINTS,
    IAC,
    STAGES,
    BackboneSource,
    DatasetSource,
    known,
    load_backbone,
    load_dataset,
    load_task,
    read_json,
)


def renamed(source: DatasetSource, **config: object) -> DatasetSource:
    return replace(source, config={**source.config, "dataset_name": "mine", **config})


def combine(tmp_path: Path, *, backbone: str = "unet", **config: object) -> IacCombination:
    """Hippocampus under another name, with some keys changed."""
    dataset = renamed(load_dataset("hippocampus"), **config)
    return IacCombination(dataset, load_backbone(backbone), tmp_path)


def combine_dints(tmp_path: Path, **config: object) -> DintsCombination:
    """Spleen under another name, with some keys changed."""
    spleen = load_task("spleen", method=DINTS)
    return DintsCombination(renamed(spleen, **config), tmp_path)


METHOD_COMBINATIONS = pytest.mark.parametrize("make", [combine, combine_dints])


def template(stage: str, folder: Path = IAC) -> Path:
    return folder / stage / f"{stage}.json"


def test_every_method_has_its_combinations_and_no_name_is_taken_twice():
    prefixes = [combination.prefix for combination in all_combinations()]
    assert len(set(prefixes)) == len(prefixes) == 5 * 4 + (3 + 9) + 10
    assert {combination.method for combination in all_combinations()} == set(METHODS)


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
@pytest.mark.parametrize("backbone", known(IAC / "backbones"))
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


@METHOD_COMBINATIONS
@pytest.mark.parametrize("stage", STAGES)
def test_rendered_texts_leave_no_placeholder(tmp_path, make, stage):
    combination = make(tmp_path)
    for path, text in render(combination, stage):
        assert path.is_relative_to(tmp_path / f"{combination.prefix}_{stage}")
        if path.name in ("metadata.json", "README.md"):
            assert "$" not in text, path


@pytest.mark.parametrize(
    ("dataset", "backbone", "name"),
    [("acdc", "unet", "acdc_unet"), ("mine", "nnunet", "hippocampus_unet")],
)
def test_a_stand_in_genotype_is_called_one(tmp_path, monkeypatch, dataset, backbone, name):
    # Others may be added, and the next best of a combination with them.
    sources = tmp_path / "sources"
    shutil.copytree(IAC, sources, ignore=shutil.ignore_patterns("genotypes"))
    (sources / "genotypes").mkdir()
    for known_name in ("acdc_unet", "hippocampus_unet"):
        shutil.copy(IAC / "genotypes" / f"{known_name}.json", sources / "genotypes")
    combination = combine(tmp_path, backbone=backbone, dataset_name=dataset)
    monkeypatch.setattr(IacCombination, "sources", sources)
    assert combination.architecture_source().stem == name
    files = {path.name: text for path, text in render(combination, "train")}
    assert ("is a stand-in" in files["README.md"]) == (dataset == "mine")
    assert "genotype.json" not in {path.name for path, _ in render(combination, "search")}


@pytest.mark.parametrize("kind", ["stand-in", "searched"])
def test_an_architecture_of_its_own_is_shipped(tmp_path, monkeypatch, kind):
    sources = tmp_path / "sources"
    shutil.copytree(DINTS, sources)
    monkeypatch.setattr(DintsCombination, "sources", sources)
    combination = combine_dints(tmp_path)
    assert combination.architecture_source().stem == "depths_4"
    content = json.loads(combination.architecture_source().read_text(encoding="utf-8"))
    own = sources / "architectures" / "mine.json"
    own.write_text(json.dumps({**content, "provenance": {"kind": kind}}), encoding="utf-8")
    files = {path.name: text for path, text in render(combination, "train")}
    assert json.loads(files["architecture.json"])["provenance"] == {"kind": kind}
    assert ("is a stand-in" in files["README.md"]) == (kind == "stand-in")
    assert ("was found on this data set" in files["README.md"]) == (kind == "searched")


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


@METHOD_COMBINATIONS
def test_written_once_and_then_only_what_differs(tmp_path, make):
    combination: Combination = make(tmp_path)
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


@METHOD_COMBINATIONS
def test_weights_that_are_there_are_not_called_missing(tmp_path, make):
    combination = make(tmp_path)
    own_words = {**combination.dataset.words, "weights_note": "They are mine."}
    combination = replace(combination, dataset=replace(combination.dataset, words=own_words))
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


def test_the_patch_is_an_option_of_inference_and_the_field_of_view_is_not(tmp_path):
    made = combine(tmp_path)
    for stage in ("train", "inference"):
        assert "--patch_size" in made.words(stage)["options"]
        assert "--checkpoint" in made.words(stage)["options"]
        assert ("--field_of_view" in made.words(stage)["options"]) == (stage == "train")


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        ({}, "of version 0.1.0, which did not measure what its parts are worth"),
        ({"findings": {"alpha": 0.05}}, "of version 0.1.0; what its parts are worth is inside"),
    ],
)
def test_a_readme_says_whether_the_search_measured(findings, words, tmp_path, monkeypatch):
    provenance = {"versions": {"iac_components": "0.1.0"}, "kind": "searched", **findings}
    combination = combine_dints(tmp_path)
    monkeypatch.setattr(DintsCombination, "provenance", lambda self: provenance)
    assert words in combination.architecture_note()
    assert (
        words
        in dict(render(combination, "train"))[
            combination.root("train") / "configs" / "metadata.json"
        ]
    )

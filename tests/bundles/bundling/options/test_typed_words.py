"""Words of JSON as they are typed, wherever they are put."""

from __future__ import annotations

import sys

import pytest
from options_checks import FirstStep, config_files, outcome

SEARCH = config_files("hippocampus_unet_iac_segmentation_search")
TRAIN = config_files("hippocampus_unet_iac_segmentation_train")


@pytest.fixture
def typed(monkeypatch):
    """Return a function that makes a workflow as MONAI's command would of some words."""

    def make(files, *words, **options):
        monkeypatch.setattr(
            "iac_components.common.console.typed_options.is_monai_command", lambda: True
        )
        monkeypatch.setattr(sys, "argv", ["monai.bundle", "run", *words])
        return FirstStep(files, logging_file=False, **options)

    return make


@pytest.mark.parametrize(("word", "meant"), [("false", False), ("TRUE", True), ("null", None)])
@pytest.mark.parametrize(
    "where", ["voxel_values#nonzero", "loss#include_background", "train#trainer#decollate"]
)
def test_a_word_that_a_component_takes_is_no_text(where, word, meant):
    workflow = FirstStep(TRAIN, logging_file=False, **{where: word})
    workflow.initialize()
    parser = workflow.parser
    assert parser[where] is meant
    assert parser.get_parsed_content(where) is meant
    if where.startswith("voxel"):
        assert parser.get_parsed_content("voxel_values").normalizer.nonzero is meant


def test_words_in_lists_of_a_component():
    options = {"architecture_optimizer#betas": ["false", "0.5"], "loss#reduction": "none"}
    workflow = FirstStep(SEARCH, logging_file=False, **options)
    workflow.initialize()
    assert workflow.parser["architecture_optimizer#betas"] == [False, "0.5"]
    assert workflow.parser["loss#reduction"] == "none"


@pytest.mark.parametrize("words", [("--steps_per_epoch", "None"), ("--steps-per-epoch=None",)])
def test_none_is_nothing_and_not_the_default(typed, words):
    workflow = typed(SEARCH, *words)
    workflow.initialize()
    assert workflow.parser["steps_per_epoch"] is None
    assert workflow.parser.get_parsed_content("steps_per_epoch") is None


def test_none_of_an_argument_and_of_an_item_of_a_list(typed):
    names = ("backbone_def#norm", "train#augmentation#transforms#0#random_size")
    workflow = typed(TRAIN, f"--{names[0]}", "None", f"--{names[1]}=None", **{names[0]: "batch"})
    workflow.initialize()
    assert [workflow.parser[name] for name in names] == [None, None]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--seed", "None"), "--seed is None: it must be a whole number"),
        (("--epoch", "None"), "--epoch is unknown: no config file of this run has it. The nearest"),
        (("--train#trainer#foo=None",), "--train#trainer#foo is unknown"),
    ],
)
def test_none_is_checked_like_a_value(typed, words, message):
    found = outcome(typed(SEARCH, *words).initialize)
    assert found is not None
    assert found.startswith(message)


def test_arguments_of_the_command_may_be_none(typed):
    words = ("--meta_file", "None", "--args_file", "None", "--tracking=None", "--cache_dir", "None")
    assert outcome(typed(SEARCH, *words).initialize) is None


@pytest.mark.parametrize(
    ("options", "where", "meant"),
    [
        ({"cache_dir": "Null"}, "train::dataset::cache_dir", None),
        ({"resume": "TRUE"}, "train::handlers::3::resume", True),
        ({"frozen_backbone": "False"}, "network_def::frozen_backbone", False),
    ],
)
def test_a_word_is_its_meaning_wherever_the_option_is_referred_to(options, where, meant):
    workflow = FirstStep(TRAIN, logging_file=False, **options)
    workflow.initialize()
    assert workflow.parser.get_parsed_content(where) is meant


@pytest.mark.parametrize(("word", "count"), [("false", 1), ("true", 2)])
def test_without_augmentation_patches_are_cut_and_nothing_else(word, count):
    workflow = FirstStep(TRAIN, logging_file=False, augment=word)
    workflow.initialize()
    assert len(workflow.parser.get_parsed_content("train::augmentation").transforms) == count


def test_items_of_a_list_that_an_expression_gives():
    options = {"flip_probabilities": "$[0.25, 0.75]", "patch_size": "$[32, 64]"}
    workflow = FirstStep(TRAIN, logging_file=False, **options)
    workflow.initialize()
    read = workflow.parser.get_parsed_content
    flips = read("train::augmentation").transforms[-1].transforms[:2]
    assert [flip.prob for flip in flips] == [0.25, 0.75]
    assert read("validate::inferer").roi_size == [32, 64]

"""One folder serves clients that train and segment in turn."""

from __future__ import annotations

import pytest

from iac_components.bundling.rendering import all_combinations
from iac_components.bundling.rendering.combination import Combination


@pytest.mark.parametrize("combination", all_combinations(), ids=lambda one: one.prefix)
def test_a_train_bundle_segments_as_the_inference_bundle_does(combination: Combination):
    (template,) = (
        path for path in combination.extra_templates("train") if path.stem == "inference"
    )
    config = combination.config("train", template)
    assert config == combination.config("inference", template)
    # Its weights are those that training writes, and evaluation reads.
    training = combination.config("train", combination.stage_template("train"))
    assert config["checkpoint"] == "$@bundle_root + '/models/model.pt'"
    assert training["ckpt_dir"] == "$@bundle_root + '/models'"
    assert training["checkpoint"] == "$@ckpt_dir + '/model.pt'"

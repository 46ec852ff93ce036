"""The post-processing of a bundle's own configs, on a label map with parts apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from iac_components.bundling.rendering.facts import BUNDLES
from iac_components.configs import keep_largest

KEPT = {"foreground": False, "classes": ["anterior"]}
ROW = [1, 1, 2, 0, 1, 0, 2, 2]


@pytest.fixture
def decided(tmp_path) -> Path:
    path = tmp_path / "postprocessing.json"
    path.write_text(json.dumps({"schema_version": 1, "keep_largest": KEPT}), encoding="utf-8")
    return path


def step_of(stage: str, names: tuple[str, ...], where: str, **options: object) -> object:
    """Return the step of a config that keeps components, and what comes right before it."""
    root = BUNDLES / f"hippocampus_dints_segmentation_{stage}" / "configs"
    parser = ConfigParser(ConfigParser.load_config_files([root / f"{n}.json" for n in names]))
    parser.update(options)
    steps = parser[f"{where}#transforms"]
    place = next(i for i, step in enumerate(steps) if "keep_largest" in step["_target_"])
    # Label maps, and before they are saved.
    assert steps[place - 1]["_target_"] == "AsDiscreted"
    return parser.get_parsed_content(f"{where}#transforms#{place}")


@pytest.mark.parametrize(
    ("stage", "names", "where"),
    [
        ("train", ("train", "evaluate"), "validate#postprocessing"),
        ("train", ("inference",), "postprocessing"),
        ("inference", ("inference",), "postprocessing"),
    ],
)
@pytest.mark.parametrize("given", [True, False])
def test_configs_keep_what_the_file_names_and_all_by_default(decided, stage, names, where, given):
    options = {"postprocessing_file": str(decided)} if given else {}
    step = step_of(stage, names, where, **options)
    found = step({"pred": torch.tensor([ROW])})["pred"].tolist()
    assert found == [[1, 1, 2, 0, 0, 0, 2, 2] if given else ROW]


def test_a_class_that_the_bundle_has_not_is_refused_with_the_file(decided):
    with pytest.raises(ValueError, match=r"postprocessing_file '.*json': .*'anterior': the cl"):
        keep_largest(decided, class_names=["liver"], keys="pred")

"""A bundle describes its network by the record of the weights that it ships."""

from __future__ import annotations

import json

import pytest

from iac_components.bundling.rendering.combination import render
from iac_components.bundling.rendering.facts import load_backbone, load_dataset
from iac_components.bundling.rendering.iac import IacCombination


@pytest.fixture
def shipped(tmp_path):
    """Return a function that gives the texts of an inference bundle with these weights."""
    placed = IacCombination(load_dataset("hippocampus"), load_backbone("unet")).placed(tmp_path)

    def render_with(record: dict[str, object] | None) -> dict[str, str]:
        if record is not None:
            scores = {"mean": 0.5, "interval_95": [0.4, 0.6], "n_patients": 3}
            metric = {"mean": scores, "classes": {"anterior": scores}}
            content = {**record, "test": {"dice": metric, "hd95": metric}}
            folder = placed.root("inference") / "docs"
            folder.mkdir(parents=True)
            (folder / "weights.json").write_text(json.dumps(content), encoding="utf-8")
        return {path.name: text for path, text in render(placed, "inference")}

    return render_with


@pytest.mark.parametrize("record", [None, {}, {"skip_module": "iac"}], ids=str)
def test_weights_with_cells_are_loaded_into_cells(shipped, record):
    texts = shipped(record)
    assert len(json.loads(texts["genotype.json"])["nodes"]) == 4
    assert "skip connections hold found cells. The shipped" in texts["README.md"]


def test_plain_weights_come_with_a_genotype_without_a_cell(shipped):
    texts = shipped({"skip_module": "plain"})
    assert json.loads(texts["inference.json"])["skip_module"] == "iac"
    assert json.loads(texts["genotype.json"])["nodes"] == []
    for name in ("README.md", "metadata.json"):
        assert "without a cell" in texts[name]
        assert "hold found cells" not in texts[name]

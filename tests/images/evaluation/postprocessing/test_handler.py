"""The decision in an evaluation."""

from __future__ import annotations

import json
import logging

import pytest
import torch
from evaluated_items import CLASSES, evaluate, item
from monai.data import MetaTensor

from iac_components.evaluation import LargestComponents


def row(patient: str, case: str, predicted: str, expected: str) -> dict[str, object]:
    """A case of voxels in a row, written as digits."""
    image, label = (
        MetaTensor(torch.tensor([float(digit) for digit in text]).reshape(1, -1, 1, 1))
        for text in (predicted, expected)
    )
    return {"image": image, "label": label, "patient": patient, "case": case}


def test_an_evaluation_decides_and_says_so(tmp_path, caplog):
    handler = LargestComponents(tmp_path, CLASSES, info={"fold": 1})
    items = [row("a", "c", "1110220010", "1110220000"), row("b", "d", "1110220000", "1110220000")]
    with caplog.at_level(logging.INFO, logger="iac_components.evaluation"):
        evaluate(handler, items)
    content = json.loads((tmp_path / "postprocessing.json").read_text(encoding="utf-8"))
    # The foreground's filter would take RV away.
    assert content["keep_largest"] == {"foreground": False, "classes": ["LV"]}
    assert content["num_patients"] == 2
    assert content["dice"]["with"] == {"LV": 1.0, "RV": 1.0}
    assert content["info"] == {"fold": 1}
    assert "Largest component kept of LV." in caplog.text
    counts = json.loads((tmp_path / "component_counts.json").read_text(encoding="utf-8"))
    assert [case["patient"] for case in counts["cases"]] == ["a", "b"]


def test_a_second_run_forgets_the_first(tmp_path):
    handler = LargestComponents(tmp_path, CLASSES)
    for name in "ab":
        evaluate(handler, [row(name, "c", "1101", "1100")])
    content = json.loads((tmp_path / "component_counts.json").read_text(encoding="utf-8"))
    assert [case["patient"] for case in content["cases"]] == ["b"]


def test_a_bad_case_is_named(tmp_path):
    bad = {**item("p1", "ed", 0), "label": torch.full((1, 6, 7, 5), 3.0)}
    with pytest.raises(ValueError, match="patient 'p1', case 'ed': label holds values"):
        evaluate(LargestComponents(tmp_path, CLASSES), [bad])
    assert not list(tmp_path.iterdir())

"""A README shows the scores of the shipped weights in one table, or says that there are none."""

from __future__ import annotations

import json

import pytest

from iac_components.bundling.rendering.performance import NOT_MEASURED, eval_metrics, performance


@pytest.fixture
def record(tmp_path):
    def summary(mean):
        return {"mean": mean, "interval_95": [mean / 2, mean * 2], "n_patients": 7}

    test = {
        "dice": {"mean": summary(0.4), "classes": {"liver": summary(0.3)}},
        "hd95": {"mean": summary(2.0), "classes": {"liver": summary(4.0)}},
    }
    path = tmp_path / "weights.json"
    path.write_text(json.dumps({"test": test}))
    return path


@pytest.mark.parametrize("stage", ["train", "inference"])
def test_shipped_weights_have_their_scores(stage, record):
    text = performance(stage, weights=record)
    assert "| liver | 30.00 [15.00, 60.00] | 4.00 [2.00, 8.00] |" in text
    assert "| mean | 40.00 [20.00, 80.00] | 2.00 [1.00, 4.00] |" in text
    assert "7 patients" in text
    assert "docs/weights.json" in text


@pytest.mark.parametrize("stage", ["search", "train", "inference"])
def test_nothing_measured_is_said(stage, tmp_path):
    assert performance(stage, weights=tmp_path / "weights.json").startswith(NOT_MEASURED)


def test_a_search_has_no_scores_but_a_place_where_searches_have(record):
    text = performance("search", weights=record)
    assert text.startswith(NOT_MEASURED)
    assert "docs/RESULTS.md" in text
    assert "|" not in text


def test_metadata_have_the_same_scores(record):
    assert eval_metrics(record) == {"mean_dice": 0.4, "mean_hd95_mm": 2.0, "dice_liver": 0.3}


def test_where_the_scores_are_from_is_said(record):
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "tested_on": "five folds"}))
    assert "7 patients of five folds" in performance("inference", weights=record)


def test_what_was_scored_is_said(record):
    assert performance("inference", weights=record).startswith("The shipped weights, on the 7")
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "scored": "The same training without them"}))
    text = performance("inference", weights=record)
    assert text.startswith("The same training without them, on the 7 patients")

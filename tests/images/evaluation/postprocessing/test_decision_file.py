"""Files of a decision: what is written is read, and what cannot be read is named."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from iac_components.evaluation.postprocessing.counts import ComponentCounts
from iac_components.evaluation.postprocessing.decision import decide
from iac_components.evaluation.postprocessing.decision_file import (
    read_counts,
    read_kept,
    write_counts,
    write_decision,
)
from iac_components.evaluation.postprocessing.kept import KeptComponents

CLASSES = ("liver", "tumour")


@pytest.fixture
def cases():
    prediction, label = torch.tensor([[1, 1, 0, 1]]), torch.tensor([[1, 1, 0, 0]])
    return [ComponentCounts.of("p", "c", prediction, label, class_names=CLASSES)]


def test_a_decision_tells_scores_and_patients(cases, tmp_path):
    path = tmp_path / "postprocessing.json"
    write_decision(path, decide(cases, CLASSES), info={"fold": 3})
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["keep_largest"] == {"foreground": True, "classes": []}
    assert content["dice"] == {
        "without": {"liver": 0.8, "tumour": None},
        "with": {"liver": 1.0, "tumour": None},
    }
    assert content["num_patients"] == 1
    assert content["info"] == {"fold": 3}
    assert [trial["adopted"] for trial in content["tried"]] == [True, False, False]
    assert read_kept(path) == KeptComponents(foreground=True)


def test_what_is_kept_may_be_written_by_hand(tmp_path):
    path = tmp_path / "mine.json"
    kept = {"foreground": False, "classes": ["liver"]}
    path.write_text(json.dumps({"schema_version": 1, "keep_largest": kept}), encoding="utf-8")
    assert read_kept(path) == KeptComponents(classes=("liver",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "postprocessing_file '.*mine.json': "),
        ("[]", "schema_version must be 1"),
        ('{"schema_version": 1}', "keep_largest must be an object"),
        ('{"schema_version": 1, "keep_largest": {"foreground": 1, "classes": []}}', "true or fal"),
        ('{"schema_version": 1, "keep_largest": {"foreground": true, "classes": [1]}}', "a list"),
    ],
)
def test_another_file_is_refused(tmp_path, content, message):
    path = tmp_path / "mine.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_kept(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"'nowhere\.json' does not exist"):
        read_kept("nowhere.json")


def test_counts_are_read_as_they_were_written(cases, tmp_path):
    write_counts(tmp_path / "counts.json", cases)
    (read,) = read_counts(tmp_path / "counts.json")
    assert (read.patient, read.case) == ("p", "c")
    assert np.array_equal(read.tables, cases[0].tables)

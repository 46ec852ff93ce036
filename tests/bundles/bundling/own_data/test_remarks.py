"""Remarks name what the table of decisions cannot show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from given_facts import given_facts

from iac_components.bundling.own_data import name_of_folder, remarks_on
from iac_components.bundling.own_data.decisions.dimensions import Dimensions


@pytest.fixture(autouse=True)
def flat(monkeypatch):
    """Leave the measuring of 3-D networks to its own test."""
    monkeypatch.setattr(
        "iac_components.bundling.own_data.remarks.choose_dimensions", lambda *_, **__: Dimensions(2)
    )


def said(tmp_path, num_folds=3, **options) -> str:
    facts = replace(given_facts(channels=("MR",), **options), dataset_dir=tmp_path)
    return "\n".join(remarks_on(facts, num_folds=num_folds, memory=8))


def test_classes_that_never_occur_or_not_in_a_fold_are_named(tmp_path):
    occurs = [[True, False, number == 0] for number in range(6)]
    text = said(tmp_path, classes=("often", "never", "rare"), occurs=occurs)
    assert "Class 'never' occurs in no label map" in text
    assert "Class 'rare' occurs in 1 of 6 cases, and not in fold(s) " in text
    assert "'often'" not in text


def test_healthy_cases_are_counted(tmp_path):
    occurs = [[number > 1] for number in range(6)]
    assert "2 of 6 cases have no foreground" in said(tmp_path, occurs=occurs)
    assert "no foreground" not in said(tmp_path)


def test_stated_folds_and_few_patients_are_told(tmp_path):
    text = said(tmp_path, volumes=3, folds=(0, 1, 2))
    assert "Folds are the data set's own" in text
    assert "3 patients are few" in text
    assert "fold=all" in text


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("Dataset027_Heart_MR", "heart_mr"),
        ("Task09_Spleen", "spleen"),
        ("ACDC", "my_acdc"),
        ("My liver v2", "my_liverv2"),
        ("2018 cells", "my_2018_cells"),
        ("lists/task.json", "task"),
    ],
)
def test_a_name_is_made_of_the_folders(folder, name):
    assert name_of_folder(Path(folder)) == name

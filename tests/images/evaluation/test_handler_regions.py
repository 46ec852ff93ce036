"""Evaluations of regions, and arguments that are refused."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from evaluated_items import CLASSES, OneHot, evaluate, item
from ignite.engine import Events
from monai.engines import SupervisedEvaluator

from iac_components.evaluation import PatientMetrics, case_metrics, compare_runs, read_metrics


def without(key: str) -> dict[str, object]:
    return {name: value for name, value in item("p1", "ed", 0).items() if name != key}


def with_affine(column: float) -> dict[str, object]:
    source = item("p1", "ed", 0)
    source["label"].affine = torch.diag(torch.tensor([1.0, 1.0, column, 1.0]))
    return source


@pytest.mark.parametrize(
    ("items", "options", "message"),
    [
        ([without("patient")], {}, "no 'patient'"),
        ([without("case")], {}, "no 'case'"),
        ([{**item("p1", "ed", 0), "case": ""}], {}, "no 'case'"),
        ([item("p1", "ed", 0)] * 2, {}, "patient 'p1', case 'ed' was evaluated twice"),
        (
            [{**item("p1", "ed", 0), "label": torch.zeros(1, 6, 7, 6)}],
            {},
            r"patient 'p1', case 'ed': prediction has shape \(6, 7, 5\) but label has \(6, 7, 6\)",
        ),
        ([item("p1", "ed", 0)], {"postprocessing": None}, "'pred' has shape .* AsDiscreted"),
        (
            [{**item("p1", "ed", 0), "label": torch.full((1, 6, 7, 5), 3.0)}],
            {},
            "case 'ed': label holds values from 3 to 3, outside 0 to 2",
        ),
        ([with_affine(0.0)], {}, "case 'ed': spacing"),
        ([with_affine(math.nan)], {}, "case 'ed': spacing"),
    ],
)
def test_bad_cases_are_named_and_nothing_is_written(
    tmp_path: Path, items: list[dict[str, object]], options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(PatientMetrics(tmp_path, CLASSES), items, **options)
    assert not list(tmp_path.iterdir())


def test_collated_output_and_no_case_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="decollate"):
        evaluate(PatientMetrics(tmp_path, CLASSES), [item("p1", "ed", 0)], decollate=False)
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"), val_data_loader=[], network=OneHot(), epoch_length=1
    )
    PatientMetrics(tmp_path, CLASSES).attach(evaluator)
    with pytest.raises(ValueError, match="no case was evaluated"):
        evaluator.fire_event(Events.COMPLETED)


REGIONS = {"heart": [1, 2], "right": [2]}


def test_regions_stand_for_classes_in_all_files(tmp_path: Path) -> None:
    items = [item("p1", "ed", 0), item("p2", "ed", 1)]
    evaluator = evaluate(PatientMetrics(tmp_path, CLASSES, regions=REGIONS), items)
    records = read_metrics(tmp_path)
    assert [(record.label, record.class_name) for record in records] == [
        (1, "heart"),
        (2, "right"),
    ] * 2
    for index, source in enumerate(items):
        expected = case_metrics(
            source["image"][0],
            source["label"][0],
            num_classes=3,
            spacing=[2, 1, 5],
            regions=[[1, 2], [2]],
        )
        assert [(record.dice, record.hd95) for record in records[2 * index : 2 * index + 2]] == [
            (score.dice, score.hd95) for score in expected
        ]
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert content["class_names"] == ["heart", "right"]
    assert content["regions"] == REGIONS
    assert set(content["summary"]["dice"]["classes"]) == set(REGIONS)
    assert set(content["patients"][0]["hd95"]["classes"]) == set(REGIONS)
    assert evaluator.state.metrics["patient_dice"] == pytest.approx(
        sum(record.dice for record in records) / 4
    )


def test_runs_scored_by_regions_are_compared_by_their_names(tmp_path: Path) -> None:
    runs = {}
    for seed, name in enumerate(("plain", "cells")):
        items = [item(f"p{number}", "ed", 10 * seed + number) for number in range(3)]
        evaluate(PatientMetrics(tmp_path / name, CLASSES, regions=REGIONS), items)
        runs[name] = read_metrics(tmp_path / name)
    comparison = compare_runs(runs, num_resamples=50)
    assert [row.class_name for row in comparison.rows] == ["heart", "right", None] * 2
    evaluate(PatientMetrics(tmp_path / "classes", CLASSES), items)
    with pytest.raises(ValueError, match="class"):
        compare_runs({**runs, "classes": read_metrics(tmp_path / "classes")})


def test_more_regions_than_classes_are_scored(tmp_path: Path) -> None:
    regions = {"left": [1], "right": [2], "both": [1, 2]}
    evaluate(PatientMetrics(tmp_path, CLASSES, regions=regions), [item("p1", "ed", 0)])
    assert [record.class_name for record in read_metrics(tmp_path)] == list(regions)


def test_bad_regions_are_refused_at_construction(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="region 'heart' holds label value 3, outside 1 to 2"):
        PatientMetrics(tmp_path / "out", CLASSES, regions={"heart": [1, 3]})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("class_names", ["LV", [], ["LV", "LV"], ["LV", ""]])
def test_bad_class_names_are_refused_at_construction(tmp_path: Path, class_names: object) -> None:
    with pytest.raises(ValueError, match="class_names"):
        PatientMetrics(tmp_path, class_names)


def test_output_dir_is_refused_at_construction(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="output_dir"):
        PatientMetrics(tmp_path / "file", CLASSES)

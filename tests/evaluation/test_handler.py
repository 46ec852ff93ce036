from __future__ import annotations

import json
import logging
import math
import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from ignite.engine import Events
from monai.data import DataLoader, Dataset, MetaTensor
from monai.engines import SupervisedEvaluator
from monai.transforms import AsDiscreted, Compose, Flipd, Invertd, MapLabelValued, SpatialPadd

from iac_components.evaluation import PatientMetrics, case_metrics, compare_runs, read_metrics

CLASSES = ["LV", "RV"]
ARGMAX = AsDiscreted("pred", argmax=True)
DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
    ),
]


class OneHot(torch.nn.Module):
    """Turns a label map into scores, so that the prediction is the image."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat([(image == index).float() for index in range(3)], dim=1)


def item(
    patient: str, case: str, seed: int, shape: Sequence[int] = (6, 7, 5), meta: bool = True
) -> dict[str, object]:
    """An image that is the prediction, and its label; voxels of 2, 1 and 5 mm, axes turned."""
    generator = torch.Generator().manual_seed(seed)
    image, label = torch.randint(0, 3, (2, 1, *shape), generator=generator).float()
    affine = torch.tensor(
        [[0.0, 1, 0, 9], [2, 0, 0, -7], [0, 0, -5, 3], [0, 0, 0, 1]], dtype=torch.float64
    )
    if meta:
        image, label = MetaTensor(image, affine=affine), MetaTensor(label, affine=affine)
    return {"image": image, "label": label, "patient": patient, "case": case}


def evaluate(
    handler: PatientMetrics, items: Sequence[dict[str, object]], **options: object
) -> SupervisedEvaluator:
    settings = {"device": torch.device("cpu"), "postprocessing": ARGMAX, **options}
    evaluator = SupervisedEvaluator(
        val_data_loader=DataLoader(Dataset(list(items)), batch_size=2),
        network=OneHot(),
        val_handlers=[handler],
        **settings,
    )
    # Ignite logs each error before raising it; the tests look at the error itself.
    evaluator.logger.setLevel(logging.CRITICAL)
    evaluator.run()
    return evaluator


@pytest.mark.parametrize("device", DEVICES)
def test_writes_each_case_in_mm_and_the_mean_over_patients(tmp_path: Path, device: str) -> None:
    items = [item("p1", "ed", 0), item("p1", "es", 1), item("p2", "ed", 2)]
    handler = PatientMetrics(tmp_path, CLASSES, info={"seed": 7})
    evaluator = evaluate(handler, items, device=torch.device(device))
    records = read_metrics(tmp_path)
    assert [record.key for record in records] == [
        (patient, case, label)
        for patient, case in (("p1", "ed"), ("p1", "es"), ("p2", "ed"))
        for label in (1, 2)
    ]
    assert [record.class_name for record in records[:2]] == CLASSES
    for index, source in enumerate(items):
        expected = case_metrics(
            source["image"][0], source["label"][0], num_classes=3, spacing=[2, 1, 5]
        )
        for record, scores in zip(records[2 * index : 2 * index + 2], expected, strict=True):
            assert (record.dice, record.hd95) == (scores.dice, scores.hd95)
    dice = [record.dice for record in records]
    assert evaluator.state.metrics["patient_dice"] == pytest.approx(
        (sum(dice[:4]) / 4 + sum(dice[4:]) / 2) / 2
    )
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert content["info"] == {"seed": 7}
    assert content["summary"]["dice"]["mean"]["mean"] == pytest.approx(
        evaluator.state.metrics["patient_dice"]
    )


def test_prediction_that_postprocessing_brought_back_to_the_label(tmp_path: Path) -> None:
    source = item("p1", "ed", 3)
    label = source["label"].clone()
    forward = Compose([Flipd("image", spatial_axis=0), SpatialPadd("image", (8, 8, 8))])
    back = Invertd("pred", transform=forward, orig_keys="image", nearest_interp=True)
    evaluate(
        PatientMetrics(tmp_path, CLASSES),
        [forward({**source, "image": label.clone()})],
        postprocessing=Compose([ARGMAX, back]),
    )
    assert [(record.dice, record.hd95) for record in read_metrics(tmp_path)] == [(1, 0), (1, 0)]


def test_postprocessed_label_goes_before_the_batch(tmp_path: Path) -> None:
    source = item("p1", "ed", 3)
    coded = torch.where(source["label"] == 2, 4.0, source["label"])
    decode = MapLabelValued("label", orig_labels=[4], target_labels=[2])
    evaluate(
        PatientMetrics(tmp_path, CLASSES),
        [{**source, "image": source["label"], "label": coded}],
        postprocessing=Compose([ARGMAX, decode]),
    )
    assert [record.dice for record in read_metrics(tmp_path)] == [1, 1]


def test_two_dimensional_slice_with_a_three_dimensional_affine(tmp_path: Path) -> None:
    source = item("p1", "ed", 4, shape=(6, 7))
    # A sagittal slice: its second axis runs along z, in the affine's third row.
    affine = torch.tensor([[0.0, 0, 3, 0], [2, 0, 0, 0], [0, 5, 0, 0], [0, 0, 0, 1]])
    source["label"].affine = affine.double()
    evaluate(PatientMetrics(tmp_path, CLASSES), [source])
    expected = case_metrics(source["image"][0], source["label"][0], num_classes=3, spacing=[2, 5])
    assert [record.hd95 for record in read_metrics(tmp_path)] == [e.hd95 for e in expected]


def test_label_without_meta_counts_in_voxels_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = item("p1", "ed", 5, meta=False)
    evaluate(PatientMetrics(tmp_path, CLASSES), [source])
    expected = case_metrics(source["image"][0], source["label"][0], num_classes=3, spacing=[1] * 3)
    assert [record.hd95 for record in read_metrics(tmp_path)] == [e.hd95 for e in expected]
    assert "patient 'p1', case 'ed': label has no affine" in caplog.text


def test_every_run_starts_anew(tmp_path: Path) -> None:
    handler = PatientMetrics(tmp_path, CLASSES)
    evaluator = evaluate(handler, [item("p1", "ed", 0)])
    first = (tmp_path / "metrics.csv").read_bytes()
    evaluator.run(global_epoch=2)
    assert (tmp_path / "metrics.csv").read_bytes() == first


def test_no_class_anywhere_gives_no_metric_instead_of_nan(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    empty = item("p1", "ed", 0)
    empty["image"], empty["label"] = empty["image"] * 0, empty["label"] * 0
    evaluator = evaluate(PatientMetrics(tmp_path, CLASSES), [empty])
    assert "patient_dice" not in evaluator.state.metrics
    assert "No patient has any class" in caplog.text
    assert all(math.isnan(record.dice) for record in read_metrics(tmp_path))


def test_false_positives_of_a_healthy_case_are_measured_by_the_affine(tmp_path: Path) -> None:
    healthy = item("p1", "ed", 0)
    healthy["label"] = healthy["label"] * 0
    evaluate(PatientMetrics(tmp_path, CLASSES), [healthy, item("p2", "ed", 1)])
    records = read_metrics(tmp_path)
    voxels = [int((healthy["image"] == value).sum()) for value in (1, 2)]
    # A voxel of 2 x 1 x 5 mm is 0.01 ml.
    assert [record.false_positive_ml for record in records[:2]] == pytest.approx(
        [count * 0.01 for count in voxels]
    )
    assert all(math.isnan(record.false_positive_ml) for record in records[2:])
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert content["summary"]["healthy_cases"] == {"n_cases": 1, "n_with_false_positives": 1}


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


def rank_of_two(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    # Uneven, and a sampler has repeated case 0 to even out its shares.
    items = [item(f"p{index}", "ed", index) for index in ([0, 1, 2], [3, 0])[rank]]
    evaluator = evaluate(PatientMetrics(folder / f"rank{rank}", CLASSES), items)
    (folder / f"dice{rank}").write_text(repr(evaluator.state.metrics["patient_dice"]))
    dist.destroy_process_group()


def test_two_processes_share_cases_and_only_the_first_writes(tmp_path: Path) -> None:
    # Forked like the workers of a DataLoader: importing everything again takes many seconds.
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=rank_of_two, args=(rank, tmp_path)) for rank in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        worker.kill()
    assert [worker.exitcode for worker in workers] == [0, 0]
    alone = evaluate(
        PatientMetrics(tmp_path / "alone", CLASSES), [item(f"p{i}", "ed", i) for i in range(4)]
    )
    for rank in range(2):
        expected = repr(alone.state.metrics["patient_dice"])
        assert (tmp_path / f"dice{rank}").read_text() == expected
    for name in ("metrics.csv", "metrics.json"):
        assert (tmp_path / "rank0" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    assert not list((tmp_path / "rank1").iterdir())

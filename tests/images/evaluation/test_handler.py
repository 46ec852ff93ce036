"""Evaluations write the scores of each case and the means over patients."""

from __future__ import annotations

import json
import math
import multiprocessing
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from evaluated_items import ARGMAX, CLASSES, evaluate, item
from monai.transforms import Compose, Flipd, Invertd, MapLabelValued, SpatialPadd

from iac_components.evaluation import PatientMetrics, case_metrics, read_metrics

DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
    ),
]


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

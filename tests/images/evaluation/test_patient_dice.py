"""The Dice that chooses a checkpoint is the Dice that is reported."""

from __future__ import annotations

import json
import logging
import math
import multiprocessing
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from monai.data import DataLoader, Dataset, MetaTensor
from monai.engines import SupervisedEvaluator
from monai.transforms import AsDiscreted

from iac_components.engine import BestModel, BestScore
from iac_components.evaluation import PatientDice, PatientMetrics

CLASSES = ["core", "edema", "tumour"]
REGIONS = {"whole": [1, 2, 3], "core": [1, 3], "tumour": [3]}


class OneHot(torch.nn.Module):
    """Turns a label map into scores, so that the prediction is the image."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat([(image == index).float() for index in range(4)], dim=1)


def item(patient: str, case: str, predicted: str, expected: str) -> dict[str, object]:
    """A case of voxels in a row, written as digits."""
    image, label = (
        MetaTensor(torch.tensor([float(digit) for digit in text]).reshape(1, -1, 2, 2))
        for text in (predicted, expected)
    )
    return {"image": image, "label": label, "patient": patient, "case": case}


def evaluate(
    items: Sequence[Mapping[str, object]],
    folder: Path,
    regions: Mapping[str, Sequence[int]] | None = None,
    handlers: Sequence[object] = (),
    report: bool = True,
) -> SupervisedEvaluator:
    reports = [PatientMetrics(folder, CLASSES, regions=regions)] if report else []
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(Dataset(list(items)), batch_size=1),
        network=OneHot(),
        postprocessing=AsDiscreted("pred", argmax=True),
        key_val_metric={"val_mean_dice": PatientDice(CLASSES, regions=regions)},
        val_handlers=[*reports, *handlers],
    )
    evaluator.logger.setLevel(logging.CRITICAL)
    evaluator.run()
    return evaluator


def reported(folder: Path) -> float:
    content = json.loads((folder / "metrics.json").read_text())
    return content["summary"]["dice"]["mean"]["mean"]


CASES = {
    "a class predicted but not there counts as 0": ([("p", "a", "1120", "1100")], 0.5),
    "a class there but not predicted counts as 0": ([("p", "a", "1100", "1120")], 0.5),
    "a class in neither is left out": ([("p", "a", "1100", "1100")], 1.0),
    "several cases of a patient are averaged first": (
        [("p", "a", "1000", "1000"), ("p", "b", "1100", "0011"), ("q", "a", "1000", "1000")],
        0.75,
    ),
    "a class weighs the same in however many of a patient's cases it shows": (
        # Class 1: 1 and 0, so 0.5; class 2: 1. By case it would be (1 + 0.5) / 2 = 0.75 as well,
        # were it not for the third.
        [
            ("p", "a", "1122", "1122"),
            ("p", "b", "1100", "0011"),
            ("p", "c", "1100", "0011"),
        ],
        (1 / 3 + 1) / 2,
    ),
    "a healthy patient without finding is left out": (
        [("p", "a", "0000", "0000"), ("q", "a", "1000", "1000")],
        1.0,
    ),
    "a healthy patient with a finding counts as 0": (
        [("p", "a", "0003", "0000"), ("q", "a", "1000", "1000")],
        0.5,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_hand_made_cases(tmp_path: Path, name: str) -> None:
    cases, expected = CASES[name]
    evaluator = evaluate([item(*case) for case in cases], tmp_path)
    assert evaluator.state.metrics["val_mean_dice"] == pytest.approx(expected, abs=1e-6)
    assert reported(tmp_path) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("regions", [None, REGIONS])
@pytest.mark.parametrize("seed", range(3))
def test_is_the_reported_number(
    tmp_path: Path, seed: int, regions: Mapping[str, Sequence[int]] | None
) -> None:
    random = np.random.default_rng(seed)
    items = []
    for number in range(6):
        # Classes come and go between cases and between prediction and label.
        texts = [
            "".join(map(str, random.choice(4, 16, p=random.dirichlet([0.3] * 4)))) for _ in range(2)
        ]
        items.append(item(f"p{number // 2}", f"c{number}", *texts))
    evaluator = evaluate(items, tmp_path, regions)
    assert evaluator.state.metrics["val_mean_dice"] == pytest.approx(reported(tmp_path), abs=1e-6)


def test_regions_change_the_choice(tmp_path: Path) -> None:
    items = [item("p", "a", "2222", "1111")]
    by_class = evaluate(items, tmp_path, report=False)
    by_region = evaluate(items, tmp_path, REGIONS, report=False)
    assert by_class.state.metrics["val_mean_dice"] == 0
    assert by_region.state.metrics["val_mean_dice"] == pytest.approx(0.5)


def test_every_run_counts_by_itself(tmp_path: Path) -> None:
    evaluator = evaluate([item("p", "a", "1100", "1000")], tmp_path, report=False)
    first = evaluator.state.metrics["val_mean_dice"]
    evaluator.run(global_epoch=2)
    assert evaluator.state.metrics["val_mean_dice"] == first == pytest.approx(2 / 3)


def test_images_without_names_are_patients_of_their_own(tmp_path: Path) -> None:
    """MONAI Label's datalists have neither patient nor case."""
    items = [item("", "", "1000", "1000"), item("", "", "0001", "1000")]
    bare = [{key: one[key] for key in ("image", "label")} for one in items]
    evaluator = evaluate(bare, tmp_path, report=False)
    assert evaluator.state.metrics["val_mean_dice"] == pytest.approx(0.5)
    bare[0]["image"].meta["filename_or_obj"] = bare[1]["image"].meta["filename_or_obj"] = "x.nii"
    with pytest.raises(ValueError, match=r"x\.nii.* was evaluated twice"):
        evaluate(bare, tmp_path, report=False)


def test_nothing_to_score_chooses_nothing_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    best = BestModel(tmp_path / "m.pt", OneHot(), metric_name="val_mean_dice", best=BestScore())
    evaluator = evaluate([item("p", "a", "0000", "0000")], tmp_path, None, [best], report=False)
    assert math.isnan(evaluator.state.metrics["val_mean_dice"])
    assert "No class is in any label or prediction" in caplog.text
    assert not (tmp_path / "m.pt").exists()


def rank_of_two(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    # One patient's two cases are on two ranks.
    cases = [("p", "a", "1120", "1100"), ("q", "a", "1111", "1000"), ("p", "b", "1100", "0011")]
    mine = [item(*case) for case in (cases[:2], cases[2:])[rank]]
    evaluator = evaluate(mine, folder / f"rank{rank}")
    (folder / f"dice{rank}").write_text(repr(evaluator.state.metrics["val_mean_dice"]))
    dist.destroy_process_group()


def test_two_processes_choose_by_the_patients_of_both(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=rank_of_two, args=(rank, tmp_path)) for rank in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        worker.kill()
    assert [worker.exitcode for worker in workers] == [0, 0]
    # Patient p: class 1 (1 + 0) / 2, class 2 0; patient q: 0.4.
    expected = (0.25 + 0.4) / 2
    for rank in range(2):
        assert float((tmp_path / f"dice{rank}").read_text()) == pytest.approx(expected, abs=1e-6)
    assert reported(tmp_path / "rank0") == pytest.approx(expected, abs=1e-6)

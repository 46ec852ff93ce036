"""The planted study: every task with three seeds, a JSON file each; resumable after any kill."""

from __future__ import annotations

import copy
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from monai.losses import DiceCELoss
from torch import nn

from iac_components.common.files import read_json, write_json
from iac_components.data import epoch_loader
from iac_components.networks import CellSearchNetwork
from iac_components.search import PatientBatch, PatientLosses, group_by_patient
from studies.cell_table.backbone import load_backbone
from studies.cell_table.features import FeatureSet, encode_slices
from studies.cell_table.patients import slices_of, split_cases
from studies.cell_table.settings import TableSettings
from studies.planted.answers import TOLERANCE, read_answer
from studies.planted.operations import CANDIDATES
from studies.planted.race import run_race
from studies.planted.search import Loss, SearchRecipe, search_cells
from studies.planted.tasks import PlantedTask, corrupt, planted_tasks

__all__ = ["SEEDS", "Halves", "fill_planted", "load_halves", "run_task"]

SEEDS = (0, 1, 2)
IMAGES_A_PATIENT = 4


@dataclass(frozen=True)
class Halves:
    """Two halves of a few patients, as the frozen encoder sees them at home.

    Attributes:
        weights: features that the weights learn from.
        architecture: features that alphas and betas learn from.
        judged: a few images of each patient of the architecture half.
    """

    weights: FeatureSet
    architecture: FeatureSet
    judged: list[PatientBatch]


def load_halves(
    settings: TableSettings, backbone: nn.Module, dataset_dir: str | Path, *, patients: int
) -> Halves:
    """Encode one volume each of ``patients`` patients for either half."""
    cases = split_cases(settings, dataset_dir).home
    first = list({case.patient: case for case in cases}.values())[: 2 * patients]
    sets = [
        slices_of(settings, part, augmented=False, shift=None, seed=3)
        for part in (first[::2], first[1::2])
    ]
    loader = epoch_loader(sets[1], batch_size=16, shuffle=False, drop_last=False)
    judged = group_by_patient(loader, images_a_patient=IMAGES_A_PATIENT, batch_size=48)
    weights, architecture = (encode_slices(backbone, part) for part in sets)
    return Halves(weights, architecture, judged)


def run_task(
    task: PlantedTask,
    backbone: nn.Module,
    halves: Halves,
    *,
    seed: int,
    recipe: SearchRecipe,
    loss_function: Loss | None = None,
) -> dict[str, object]:
    """Search a planted task and ask what was found.

    Args:
        task: what is planted.
        backbone: trained, in eval mode; it is copied.
        halves: of the patients.
        seed: of the cells' weights and the order of slices.
        recipe: rates and lengths.
        loss_function: Dice and cross-entropy by default.
    """
    loss = loss_function or DiceCELoss(to_onehot_y=True, softmax=True)
    torch.manual_seed(seed)
    start = time.process_time()
    network = CellSearchNetwork(copy.deepcopy(backbone), operations=CANDIDATES, num_nodes=1)
    corrupt(network, task)
    final = search_cells(
        network, halves.weights, halves.architecture, loss, recipe=recipe, seed=seed
    )
    searched = time.process_time()
    losses = PatientLosses(network, halves.judged, loss)
    answer = read_answer(losses)
    audited = time.process_time()
    race = run_race(losses, tolerance=TOLERANCE)
    return {
        "task": task.name,
        "seed": seed,
        "remedy": task.remedy,
        **answer.values(),
        "train_loss": round(final, 5),
        "recipe": asdict(recipe),
        "search_seconds": round(searched - start, 2),
        "audit_seconds": round(audited - searched, 2),
        "race": list(race.left),
        "race_looks": race.looks,
        "race_seconds": round(time.process_time() - audited, 2),
    }


def fill_planted(
    settings: TableSettings,
    dataset_dir: str | Path,
    *,
    backbone_file: Path,
    raw: Path,
    recipe: SearchRecipe,
    patients: int = 20,
    limit: int | None = None,
) -> int:
    """Run what ``raw`` does not have yet, and return how many that were.

    Raises:
        ValueError: if ``raw`` holds a run of another recipe.
    """
    backbone = load_backbone(settings, backbone_file)
    halves = load_halves(settings, backbone, dataset_dir, patients=patients)
    made = 0
    for seed in SEEDS:
        for task in planted_tasks():
            path = raw / f"{task.name}-seed{seed}.json"
            if path.is_file():
                _require_same(path, recipe)
            elif limit is None or made < limit:
                record = run_task(task, backbone, halves, seed=seed, recipe=recipe)
                write_json(path, record)
                made += 1
                print(f"{time.strftime('%H:%M:%S')} {record}", flush=True)
    return made


def _require_same(path: Path, recipe: SearchRecipe) -> None:
    content = read_json(path, max_bytes=1 << 20)
    if not isinstance(content, dict) or content.get("recipe") != asdict(recipe):
        raise ValueError(f"'{path}' was run with another recipe: use another --work_dir.")

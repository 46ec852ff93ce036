"""The found cells, implanted and trained on the same budget."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import cast

from iac_components.common.files import read_json, write_json
from iac_components.search_space import Genotype, save_genotype
from studies.measuring.training import BundleTraining
from studies.search_cost.searches.cells import FoundCell, found_cells
from studies.search_cost.searches.settings import BenchmarkSettings
from studies.search_cost.searches.turns import Deadline

__all__ = [
    "BACKBONE",
    "PLAIN",
    "backbone_folder",
    "cell_folder",
    "own_steps",
    "retrain",
    "train_timed",
    "training_folders",
]

BACKBONE = "backbone"
"""The arm without any training: the backbone that all others start from."""

PLAIN = "plain"
"""The arm without cells: the backbone, trained on for the same steps."""

say = partial(print, flush=True)


def train_timed(training: BundleTraining, folder: Path, *, steps: int, **options: object) -> None:
    """Train, evaluate, and log what every epoch of the training cost."""
    log = {
        "_target_": "studies.search_cost.searches.epoch_log.TimedEpochs",
        "path": str(folder / "epochs.json"),
        "checkpoints": str(folder / "checkpoints"),
    }
    training.run(folder, steps=steps, options=options, handlers=[log])


def training_folders(
    settings: BenchmarkSettings, cells: Mapping[str, Mapping[int, FoundCell]]
) -> dict[str, dict[int, Path]]:
    """Return the training of each mode and seed; equal cells with equal seeds share one."""
    plain = {seed: _root(settings) / PLAIN / f"seed{seed}" for seed in settings.seeds}
    found = {
        mode: {seed: cell_folder(settings, cell.genotype, seed) for seed, cell in by_seed.items()}
        for mode, by_seed in cells.items()
    }
    return {PLAIN: plain, **found}


def retrain(settings: BenchmarkSettings, deadline: Deadline) -> bool:
    """Train whatever has not been trained, seed by seed.

    Returns:
        Whether all is done; if not, the deadline has passed.
    """
    if deadline.over:
        return False
    cells = found_cells(settings)
    folders = training_folders(settings, cells)
    if own_steps(settings) is None:
        write_json(_own_steps_file(settings), settings.training.own_steps())
    settings.training.evaluate(backbone_folder(settings), settings.backbone)
    for seed in settings.seeds:
        for mode in [mode for mode in folders if seed in folders[mode]]:
            if deadline.over:
                return False
            folder = folders[mode][seed]
            options: dict[str, object] = {"skip_module": "plain"}
            if mode != PLAIN:
                genotype = folder.parent / "genotype.json"
                save_genotype(cells[mode][seed].genotype, genotype)
                options = {"skip_module": "iac", "genotype_path": str(genotype)}
            options["backbone_ckpt"] = str(settings.backbone)
            options["frozen_backbone"] = mode != PLAIN
            train_timed(settings.training, folder, steps=settings.train_steps, seed=seed, **options)
            say(f"trained {mode}, seed {seed}: '{folder}'")
    return True


def own_steps(settings: BenchmarkSettings) -> int | None:
    """Count the steps of a training as configured, once the trainings have begun."""
    path = _own_steps_file(settings)
    return cast(int, read_json(path, max_bytes=100)) if path.exists() else None


def backbone_folder(settings: BenchmarkSettings) -> Path:
    """Return the folder of the backbone's evaluation."""
    return _root(settings) / BACKBONE


def _own_steps_file(settings: BenchmarkSettings) -> Path:
    return _root(settings) / "own_steps.json"


def cell_folder(settings: BenchmarkSettings, genotype: Genotype, seed: int) -> Path:
    """Return the folder of a cell's training with a seed; equal cells share it."""
    name = genotype.digest.removeprefix("sha256:")[:12]
    return _root(settings) / name / f"seed{seed}"


def _root(settings: BenchmarkSettings) -> Path:
    return settings.output_dir / "retraining"

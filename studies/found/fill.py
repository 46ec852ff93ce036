"""The long run: searches by every rule and seed, and the training of what they found."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from torch import nn

from iac_components.common.files import write_json
from studies.cell_table.rows.patients import Parts
from studies.cell_table.run import Site, load_site
from studies.cell_table.settings import TableSettings
from studies.cell_table.training.backbone import backbone_digest
from studies.found.halves import SearchHalves, load_halves
from studies.found.records import Found, mean_dice, record_path, require_making
from studies.found.run import run_search, train_found
from studies.measuring.rules import Rule

__all__ = ["SEEDS", "SHARED", "Task", "fill_found", "search_and_train"]

SEEDS = range(5)

SHARED: Mapping[str, object] = {
    "epochs": 40,
    "steps_per_epoch": 10,
    "warmup_epochs": 2,
    "batch_size": 8,
    "learning_rate": 0.02,
    "device": "cpu",
}
"""Arguments of all searches, set on hippocampus; no other data have met them yet."""


@dataclass(frozen=True)
class Task:
    """A table's task, with what all searches on it share.

    Attributes:
        settings: of the table.
        backbone: trained.
        parts: patients by their use.
        dataset_dir: the data set's folder.
        shift: the scanner.
        patients: of a half of the search.
    """

    settings: TableSettings
    backbone: nn.Module
    parts: Parts
    dataset_dir: Path
    shift: str
    patients: int

    @cached_property
    def halves(self) -> SearchHalves:
        """Encoded halves of the search's patients."""
        return load_halves(
            self.settings,
            self.backbone,
            self.dataset_dir,
            shift=self.shift,
            patients=self.patients,
        )

    @cached_property
    def site(self) -> Site:
        """Encoded patients of the table's trainings and tests."""
        return load_site(self.settings, self.backbone, self.parts, shift=self.shift)


def search_and_train(
    task: Task,
    rule: Rule,
    *,
    seed: int,
    output_dir: Path,
    shared: Mapping[str, object] = SHARED,
) -> Found:
    """Search by a rule, train what was found, and describe both."""
    found = run_search(
        task.backbone,
        task.halves,
        {**shared, **rule.arguments},
        seed=seed,
        output_dir=output_dir,
    )
    genotype, provenance = found.genotype, found.genotype.provenance
    return {
        **_making(task, shared),
        "dataset": task.settings.name,
        "shift": task.shift,
        "rule": rule.name,
        "seed": seed,
        "genotype": genotype.architecture(),
        "kind": provenance["kind"],
        "epochs": provenance["epochs"],
        "findings": provenance.get("findings"),
        "search_seconds": round(found.seconds, 1),
        "trained": train_found(genotype, task.backbone, task.site, settings=task.settings),
    }


def _making(task: Task, shared: Mapping[str, object]) -> dict[str, object]:
    """Describe what all searches of a folder must have in common."""
    return {
        "patients": task.patients,
        "shared": dict(shared),
        "settings": task.settings.digest,
        "backbone": backbone_digest(task.backbone),
    }


def fill_found(
    task: Task,
    *,
    raw: Path,
    rules: Sequence[Rule],
    shared: Mapping[str, object] = SHARED,
    limit: int | None = None,
) -> int:
    """Make the searches that ``raw`` does not have yet, and return how many that were.

    Raises:
        ValueError: if a record that is there was made otherwise.
    """
    making, made = _making(task, shared), 0
    for seed in SEEDS:
        for rule in rules:
            path = record_path(
                raw, dataset=task.settings.name, shift=task.shift, rule=rule.name, seed=seed
            )
            if path.is_file():
                require_making(path, making)
                continue
            if limit is not None and made >= limit:
                continue
            with tempfile.TemporaryDirectory() as folder:
                record = search_and_train(
                    task, rule, seed=seed, output_dir=Path(folder), shared=shared
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, dict(record))
            made += 1
            print(
                f"{time.strftime('%H:%M:%S')} {task.shift} {rule.name} {seed} {record['kind']} "
                f"dice {mean_dice(record):.4f}, search {record['search_seconds']} s",
                flush=True,
            )
    return made

"""The long run: trains every configuration, twice, at every shift; resumable after any kill."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import torch
from monai.networks.nets import BasicUNet
from torch import nn

from iac_components.networks import ImplantedNetwork
from studies.cell_table.rows.configurations import Configuration, configurations
from studies.cell_table.rows.patients import Parts, slices_of, split_cases
from studies.cell_table.rows.records import Record, RowKey, read_lines, read_raw, row_key, write_raw
from studies.cell_table.settings import Recipe, TableSettings
from studies.cell_table.training.backbone import backbone_digest, load_backbone
from studies.cell_table.training.costs import measure_costs
from studies.cell_table.training.features import FeatureSet, decode, encode_slices
from studies.cell_table.training.fit import fit
from studies.cell_table.training.networks import cell_network
from studies.cell_table.training.scores import patient_dice, score

__all__ = ["SEEDS", "Site", "Task", "fill_table", "load_site", "tasks", "train_row"]

SEEDS = (0, 1)


@dataclass(frozen=True)
class Task:
    """One row to make."""

    configuration: Configuration
    shift: str
    seed: int

    @property
    def key(self) -> RowKey:
        """Unique key of the row."""
        return self.shift, self.configuration.name, self.seed


@dataclass(frozen=True)
class Site:
    """A new scanner as the frozen encoder sees it.

    Attributes:
        train: augmented copies of the few labelled volumes.
        test: every slice of the test volumes.
    """

    train: FeatureSet
    test: FeatureSet


@dataclass(frozen=True)
class Workshop:
    """All that rows share."""

    settings: TableSettings
    backbone: nn.Module
    parts: Parts

    @cached_property
    def sites(self) -> dict[str, Site]:
        """Sites by shift, filled when they are asked for."""
        return {}

    @cached_property
    def digest(self) -> str:
        """Of the backbone's weights."""
        return backbone_digest(self.backbone)

    def site(self, shift: str) -> Site:
        """Return a shift's features, computed once."""
        if shift not in self.sites:
            self.sites[shift] = load_site(self.settings, self.backbone, self.parts, shift=shift)
        return self.sites[shift]


def tasks(settings: TableSettings) -> Iterator[Task]:
    """List all rows: configuration by configuration, so that a part of a table is whole rows."""
    for configuration in configurations()[: settings.configurations]:
        for shift in settings.shifts:
            for seed in SEEDS:
                yield Task(configuration, shift, seed)


def load_site(
    settings: TableSettings, backbone: nn.Module, parts: Parts, *, shift: str | None
) -> Site:
    """Encode the site's and the test patients' slices under a shift; None is home."""
    train = slices_of(settings, parts.site, augmented=True, shift=shift, seed=1)
    test = slices_of(settings, parts.test, augmented=False, shift=shift, seed=2, every_slice=True)
    return Site(
        encode_slices(backbone, train, copies=settings.integer("site_copies")),
        encode_slices(backbone, test),
    )


def train_row(task: Task, workshop: Workshop, *, recipe: Recipe | None = None) -> Record:
    """Train a task's cells on the site's features and score every test patient.

    Args:
        task: the row.
        workshop: settings, backbone and features.
        recipe: of the cells' training; the settings' by default.
    """
    settings = workshop.settings
    chosen = recipe or settings.recipe("cell_training")
    site = workshop.site(task.shift)
    torch.manual_seed(task.seed)
    network = cell_network(workshop.backbone, task.configuration)
    network.train()
    parameters = network.cell_parameters()
    loss, start = None, time.process_time()
    if parameters:
        batches = site.train.batches(chosen.batch_size, seed=task.seed)
        loss = fit(partial(decode, _unet(network)), parameters, batches, chosen)
    seconds = time.process_time() - start
    classes = score(_unet(network.eval()), site.test, num_classes=settings.num_classes)
    costs = measure_costs(network, workshop.backbone, slice_shape=settings.slice_shape)
    return {
        "dataset": settings.name,
        "shift": task.shift,
        "configuration": task.configuration.name,
        "seed": task.seed,
        "cell": task.configuration.describe(),
        "steps": chosen.steps if parameters else 0,
        "dice": {patient: round(value, 5) for patient, value in patient_dice(classes).items()},
        "train_loss": loss if loss is None else round(loss, 5),
        "costs": costs.values(),
        "train_seconds": round(seconds, 2),
        "settings": settings.digest,
        "backbone": workshop.digest,
        "torch": torch.__version__,
    }


def fill_table(
    settings: TableSettings,
    dataset_dir: str | Path,
    *,
    backbone_path: Path,
    work_dir: Path,
    kept: Path,
    limit: int | None = None,
    shifts: Collection[str] | None = None,
) -> int:
    """Make the rows that neither ``work_dir`` nor the kept table has.

    Args:
        settings: of the table.
        dataset_dir: the data set's folder.
        backbone_path: weights of the trained backbone.
        work_dir: rows go to its ``raw`` folder, a file each.
        kept: the table's file in the repository, whose rows of this backbone are done.
        limit: rows at most; None makes them all.
        shifts: the shifts whose rows are made; None makes those of all.

    Returns:
        The number of rows made.

    Raises:
        ValueError: if a kept row is of other settings, or a shift is none of the table's.
    """
    unknown = sorted(set(shifts or ()) - set(settings.shifts))
    if unknown:
        raise ValueError(f"no shift {unknown} in {settings.name}: choose from {settings.shifts}.")
    raw = work_dir / "raw"
    backbone = load_backbone(settings, backbone_path)
    workshop = Workshop(settings, backbone, split_cases(settings, dataset_dir))
    done = set()
    for record in (*read_raw(raw), *read_lines(kept)):
        if record["settings"] != settings.digest:
            raise ValueError(
                f"row {row_key(record)} was made with other settings than {settings.name}.json: "
                f"restore them, or start with an empty {raw} and without {kept}."
            )
        if record["backbone"] == workshop.digest:
            done.add(row_key(record))
    made = 0
    for task in tasks(settings):
        if shifts is not None and task.shift not in shifts:
            continue
        if task.key in done or (limit is not None and made >= limit):
            continue
        record = train_row(task, workshop)
        write_raw(raw, record)
        made += 1
        print(_line(record), flush=True)
    return made


def _unet(network: ImplantedNetwork) -> BasicUNet:
    return network.backbone


def _line(record: Record) -> str:
    dice = record["dice"]
    mean = sum(dice.values()) / len(dice) if isinstance(dice, dict) else float("nan")
    key = " ".join(map(str, row_key(record)))
    return f"{time.strftime('%H:%M:%S')} {key} dice {mean:.4f} in {record['train_seconds']} s"

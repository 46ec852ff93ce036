"""Settings of a benchmark, checked before any work and kept beside its results."""

from __future__ import annotations

import filecmp
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch

from iac_components.common.files import read_json, require_writable_directory, write_json
from studies.measuring.training import BundleTraining, final_model
from studies.search_cost.searches.plan import SearchPlan
from studies.search_cost.searches.searches import SEARCH_MODES

__all__ = ["MODES", "BenchmarkError", "BenchmarkSettings"]

MODES = (*SEARCH_MODES, "random")
"""All modes, in the order of tables."""

BUNDLES = Path(__file__).parents[3] / "bundles"
MAX_BYTES = 1_000_000


class BenchmarkError(ValueError):
    """A request that cannot be met; the message names the option and the remedy."""


@dataclass(frozen=True)
class BenchmarkSettings:
    """A benchmark of one bundle on one data set, below one folder.

    Attributes:
        bundle: data set and backbone, for instance ``hippocampus_unet``.
        dataset_dir: the data set as downloaded.
        output_dir: where everything goes.
        modes: of :data:`MODES`.
        seeds: of the trainings of the found cells.
        search_seeds: of the searches, by mode.
        fold: which patients are for testing.
        epochs: of a search that is not decided sooner; None is the bundle's own.
        search: further keys of the search config.
        network: further keys of all configs.
        backbone_ckpt: the trained backbone; None trains one.
        base_steps: steps of its training.
        train_steps: steps of the training of each found cell.
        steps_per_epoch: steps in an epoch of a training.

    Raises:
        BenchmarkError: if an option is none that can be met.
    """

    bundle: str
    dataset_dir: Path
    output_dir: Path
    modes: Sequence[str]
    seeds: Sequence[int]
    search_seeds: Mapping[str, Sequence[int]]
    fold: int = 0
    epochs: int | None = None
    search: Mapping[str, object] | None = None
    network: Mapping[str, object] | None = None
    backbone_ckpt: Path | None = None
    base_steps: int = 1200
    train_steps: int = 300
    steps_per_epoch: int = 30

    def __post_init__(self) -> None:
        unknown = [mode for mode in self.modes if mode not in MODES]
        if unknown:
            raise BenchmarkError(f"--modes {','.join(unknown)}: choose from {','.join(MODES)}.")
        if not set(self.modes) & set(SEARCH_MODES):
            raise BenchmarkError(f"--modes needs one that searches: {','.join(SEARCH_MODES)}.")
        known = sorted(path.name.removesuffix(_folder("", "search")) for path in _bundles())
        if self.bundle not in known:
            raise BenchmarkError(f"--bundle '{self.bundle}' is none of {', '.join(known)}.")
        if not self.dataset_dir.is_dir():
            raise BenchmarkError(f"--dataset_dir '{self.dataset_dir}' is no folder.")
        if self.backbone_ckpt is not None and not self.backbone_ckpt.is_file():
            raise BenchmarkError(f"--backbone_ckpt '{self.backbone_ckpt}' is no file.")
        for given in (self.seeds, *self.search_seeds.values()):
            if not given or len(set(given)) < len(given):
                raise BenchmarkError(f"seeds '{' '.join(map(str, given))}': give each once.")
        for name in ("base_steps", "train_steps", "steps_per_epoch"):
            if getattr(self, name) < 1:
                raise BenchmarkError(f"--{name} must be at least 1, got {getattr(self, name)}.")
        if self.epochs is not None and self.epochs < 1:
            raise BenchmarkError(f"--epochs must be at least 1, got {self.epochs}.")

    @property
    def common(self) -> dict[str, object]:
        """Options of every run of a config."""
        return {
            "dataset_dir": str(self.dataset_dir.absolute()),
            "folds_file": str(self.output_dir / "folds.json"),
            "fold": self.fold,
            **(self.network or {}),
        }

    @property
    def backbone(self) -> Path:
        """The trained backbone, there or not."""
        return (self.backbone_ckpt or final_model(self.output_dir / "base")).absolute()

    @property
    def training(self) -> BundleTraining:
        """Trains by the bundle's configs."""
        common = {**self.common, "logging_file": False}
        return BundleTraining(self.configs("train"), common, self.steps_per_epoch)

    def configs(self, stage: str) -> Path:
        """Return the copy of a bundle's configs that this benchmark uses."""
        return self.output_dir / "bundles" / _folder(self.bundle, stage) / "configs"

    def seeds_of(self, mode: str) -> Sequence[int]:
        """Return the seeds with which a mode searches, or draws."""
        return self.seeds if mode == "random" else self.search_seeds[mode]

    def plan(self, mode: str, seed: int) -> SearchPlan:
        """One of the searches."""
        options = {**self.common, **(self.search or {}), "backbone_ckpt": str(self.backbone)}
        if self.epochs is not None:
            options["epochs"] = self.epochs
        folder = self.output_dir / "searches" / mode / f"seed{seed}"
        return SearchPlan(mode, seed, folder, self.configs("search") / "search.json", options)

    def plans(self) -> list[SearchPlan]:
        """All searches, in the order in which they take turns."""
        modes = [mode for mode in SEARCH_MODES if mode in self.modes]
        seeds = dict.fromkeys(seed for mode in modes for seed in self.seeds_of(mode))
        return [
            self.plan(mode, seed) for seed in seeds for mode in modes if seed in self.seeds_of(mode)
        ]

    def fixed(self) -> dict[str, object]:
        """Return the settings that a folder fixes; modes and seeds may be added."""
        return {
            "bundle": self.bundle,
            "fold": self.fold,
            "epochs": self.epochs,
            "search": dict(self.search or {}),
            "network": dict(self.network or {}),
            "backbone_ckpt": _digest(self.backbone_ckpt),
            "base_steps": self.base_steps,
            "train_steps": self.train_steps,
            "steps_per_epoch": self.steps_per_epoch,
            "threads": torch.get_num_threads(),
        }

    def claim_folder(self, *, measuring: bool = True) -> None:
        """Make the folder this benchmark's own, or see that it is.

        The bundles' configs are copied first: a search that takes days continues with those that it
        began with.

        Args:
            measuring: whether anything is going to be timed; a report may be made by any number
                of threads.

        Raises:
            BenchmarkError: if it holds a benchmark with other settings.
            OSError: if it cannot be written.
        """
        require_writable_directory(self.output_dir)
        path = self.output_dir / "benchmark_settings.json"
        ours = cast(dict[str, object], json.loads(json.dumps(self.fixed())))
        if path.exists():
            theirs = cast(Mapping[str, object], read_json(path, max_bytes=MAX_BYTES))
            for name in {**theirs, **ours}:
                then, now = theirs.get(name), ours.get(name)
                if then != now and (measuring or name != "threads"):
                    raise BenchmarkError(
                        f"--output_dir '{self.output_dir}' was begun with {name} "
                        f"{json.dumps(then)}, not {json.dumps(now)}: continue with that, or choose "
                        "another folder."
                    )
        for stage in ("search", "train"):
            source = BUNDLES / _folder(self.bundle, stage) / "configs"
            copy = self.configs(stage)
            if not copy.exists():
                shutil.copytree(source, copy)
            elif filecmp.dircmp(source, copy).diff_files:
                print(f"The {stage} configs of the bundle have changed; '{copy}' is used on.")
        if not path.exists():
            write_json(path, ours)


def _folder(bundle: str, stage: str) -> str:
    return f"{bundle}_iac_segmentation_{stage}"


def _bundles() -> list[Path]:
    return list(BUNDLES.glob("*" + _folder("", "search")))


def _digest(path: Path | None) -> str | None:
    return None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()

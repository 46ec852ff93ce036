"""Effect of the stability test's two parameters on a search's cost and its cell's Dice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from iac_components.evaluation import read_metrics
from iac_components.search_space import load_genotype
from studies.measuring.session import describe_session
from studies.search_cost.searches.costs import Cost, cost_of
from studies.search_cost.searches.epoch_log import EpochLog
from studies.search_cost.searches.plan import SearchPlan
from studies.search_cost.searches.quality import seed_mean, summary_of
from studies.search_cost.searches.retraining import cell_folder, train_timed
from studies.search_cost.searches.settings import BenchmarkSettings
from studies.search_cost.searches.turns import Deadline, run_in_turns

__all__ = ["Grid", "Point", "measure"]


@dataclass(frozen=True)
class Grid:
    """The settings that are tried, every one with every other.

    Attributes:
        thresholds: of the Jensen-Shannon test.
        patiences: epochs in a row for which it must hold.
    """

    thresholds: Sequence[float]
    patiences: Sequence[int]

    def searches(self, settings: BenchmarkSettings) -> list[tuple[float, int, BenchmarkSettings]]:
        """Threshold, patience and benchmark of each point, below one folder."""
        return [
            (
                threshold,
                patience,
                replace(
                    settings,
                    output_dir=settings.output_dir / f"threshold{threshold:g}_patience{patience}",
                    search={
                        **(settings.search or {}),
                        "stability#threshold": threshold,
                        "stability#patience": patience,
                    },
                ),
            )
            for threshold in self.thresholds
            for patience in self.patiences
        ]


@dataclass(frozen=True)
class Point:
    """Result of one setting.

    Attributes:
        threshold: the setting's.
        patience: the setting's.
        cost: of the search.
        decided: whether the search ended before its last epoch, with one genotype left.
        dice: mean over patients and training seeds, a fraction.
        by_seed: mean over patients of each training seed.
        digest: of the genotype.
    """

    threshold: float
    patience: int
    cost: Cost
    decided: bool
    dice: float
    by_seed: Mapping[int, float]
    digest: str

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "threshold": self.threshold,
            "patience": self.patience,
            "cost": self.cost.to_json(),
            "decided": self.decided,
            "dice": self.dice,
            "dice_by_seed": {str(seed): value for seed, value in self.by_seed.items()},
            "genotype_digest": self.digest,
        }


def measure(settings: BenchmarkSettings, grid: Grid, deadline: Deadline) -> list[Point] | None:
    """Search at every point, in turns, and train each distinct cell once a seed.

    Args:
        settings: of a benchmark with the mode ``pruned`` and one search seed.
        grid: what differs.
        deadline: when to begin nothing more.

    Returns:
        The points, or None if the deadline has passed; what was done is not done again.
    """
    points = grid.searches(settings)
    for _, _, benchmark in points:
        benchmark.claim_folder()
    plans = {id(benchmark): benchmark.plans()[0] for _, _, benchmark in points}
    if not run_in_turns(list(plans.values()), session=describe_session(), deadline=deadline):
        return None
    for _, _, benchmark in points:
        plan = plans[id(benchmark)]
        for seed in settings.seeds:
            if deadline.over:
                return None
            train_timed(
                benchmark.training,
                _folder(settings, plan, seed),
                steps=settings.train_steps,
                seed=seed,
                backbone_ckpt=str(settings.backbone),
                skip_module="iac",
                genotype_path=str(plan.genotype),
                frozen_backbone=True,
            )
    return [
        _point(settings, plans[id(benchmark)], threshold=threshold, patience=patience)
        for threshold, patience, benchmark in points
    ]


def _folder(settings: BenchmarkSettings, plan: SearchPlan, seed: int) -> Path:
    return cell_folder(settings, load_genotype(plan.genotype), seed)


def _point(
    settings: BenchmarkSettings, plan: SearchPlan, *, threshold: float, patience: int
) -> Point:
    genotype = load_genotype(plan.genotype)
    records = {
        seed: read_metrics(_folder(settings, plan, seed) / "eval") for seed in settings.seeds
    }
    return Point(
        threshold=threshold,
        patience=patience,
        cost=cost_of(EpochLog(plan.folder / "epochs.json")),
        decided=genotype.provenance["stop_reason"] == "genotype decided",
        dice=summary_of(records).mean,
        by_seed={seed: seed_mean(record) for seed, record in records.items()},
        digest=genotype.digest,
    )


def describe(settings: BenchmarkSettings) -> dict[str, object]:
    """Return the settings of all points as JSON values."""
    fixed: dict[str, object] = json.loads(json.dumps(settings.fixed()))
    return {**fixed, "seeds": list(settings.seeds), "search_seeds": dict(settings.search_seeds)}

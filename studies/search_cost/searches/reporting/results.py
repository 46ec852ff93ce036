"""All that a benchmark's folder holds, read back for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iac_components.evaluation import CaseRecord, read_metrics
from studies.search_cost.searches.cells import FoundCell, found_cells
from studies.search_cost.searches.costs import Cost, Ratio, cost_of, mean_cost, ratio
from studies.search_cost.searches.epoch_log import EpochLog
from studies.search_cost.searches.plan import SearchPlan
from studies.search_cost.searches.retraining import (
    BACKBONE,
    backbone_folder,
    own_steps,
    training_folders,
)
from studies.search_cost.searches.settings import BenchmarkSettings

__all__ = ["Results", "gather"]

Records = Sequence[CaseRecord]


@dataclass(frozen=True)
class Results:
    """Results measured so far.

    Attributes:
        settings: what was asked for.
        plans: the searches by mode and seed, those at work among them.
        costs: of every search that has ended, and of ``random``, by mode and search seed.
        cells: by mode and training seed.
        trainings: what the trainings that are done cost, by arm (the modes, and ``plain``) and
            seed.
        own_steps: of a training as the bundle's configs have it, if known.
        untrained: arms and seeds whose training is not done.
        records: evaluation of the arms that have one, by seed; all arms with the same seeds. That
            of the untrained backbone is the same with each.
    """

    settings: BenchmarkSettings
    plans: Mapping[str, Mapping[int, SearchPlan]]
    costs: Mapping[str, Mapping[int, Cost]]
    cells: Mapping[str, Mapping[int, FoundCell]]
    trainings: Mapping[str, Mapping[int, EpochLog]]
    own_steps: int | None
    untrained: Sequence[tuple[str, int]]
    records: Mapping[str, Mapping[int, Records]]

    @property
    def unfinished(self) -> list[SearchPlan]:
        """Searches that have not ended."""
        plans = [plan for by_seed in self.plans.values() for plan in by_seed.values()]
        return [plan for plan in plans if not plan.finished]

    def common(self, first: str, second: str) -> list[int]:
        """Search seeds of which both modes have a cost."""
        costs = self.costs.get(second, {})
        return [seed for seed in self.costs.get(first, {}) if seed in costs]

    def ratio(self, first: str, second: str, seed: int | None = None) -> Ratio | None:
        """Return the ratio of the first's cost to the second's, of one seed or over common ones."""
        seeds = self.common(first, second) if seed is None else [seed]
        if not seeds:
            return None
        means = [mean_cost([self.costs[mode][one] for one in seeds]) for mode in (first, second)]
        return ratio(*means)


def gather(settings: BenchmarkSettings) -> Results:
    """Read whatever the benchmark has left so far."""
    plans: dict[str, dict[int, SearchPlan]] = {}
    for plan in settings.plans():
        plans.setdefault(plan.mode, {})[plan.seed] = plan
    costs = {
        mode: {seed: cost_of(plan.log) for seed, plan in by_seed.items() if plan.finished}
        for mode, by_seed in plans.items()
    }
    cells = found_cells(settings)
    if "random" in cells:
        costs["random"] = {seed: Cost() for seed in cells["random"]}
    folders = training_folders(settings, cells)
    done = {
        arm: {
            seed: folder
            for seed, folder in by_seed.items()
            if (folder / "eval" / "metrics.json").exists()
        }
        for arm, by_seed in folders.items()
    }
    trainings = {
        arm: {seed: EpochLog(folder / "epochs.json") for seed, folder in by_seed.items()}
        for arm, by_seed in done.items()
    }
    untrained = [(arm, seed) for arm in folders for seed in folders[arm] if seed not in done[arm]]
    # An arm with a seed more than another would be compared on luck.
    trained = [set(by_seed) for by_seed in done.values() if by_seed]
    seeds = set.intersection(*trained) if trained else set()
    records = {
        arm: {seed: read_metrics(by_seed[seed] / "eval") for seed in sorted(seeds)}
        for arm, by_seed in done.items()
        if by_seed and seeds
    }
    before = backbone_folder(settings) / "eval"
    if records and (before / "metrics.json").exists():
        records[BACKBONE] = dict.fromkeys(sorted(seeds), read_metrics(before))
    return Results(
        settings,
        plans,
        costs,
        cells,
        trainings,
        own_steps(settings),
        untrained,
        records,
    )

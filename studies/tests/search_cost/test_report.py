"""Costs, cells and quality of the search benchmark, from numbers that are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iac_components.evaluation import CaseRecord
from iac_components.search_space import (
    Genotype,
    KeptEdge,
    NodeGenotype,
    SearchSpace,
    random_genotype,
    save_genotype,
)
from studies.measuring.clock import PARTS, Seconds
from studies.search_cost.searches.cells import FoundCell, found_cells
from studies.search_cost.searches.costs import Cost, cost_of, mean_cost, ratio
from studies.search_cost.searches.epoch_log import EpochLog, EpochRecord
from studies.search_cost.searches.reporting.quality import seed_mean, summary_of
from studies.search_cost.searches.reporting.report import report_json
from studies.search_cost.searches.reporting.results import Results
from studies.search_cost.searches.retraining import PLAIN, training_folders
from studies.search_cost.searches.settings import BenchmarkSettings

SPACE = SearchSpace(2, num_nodes=2)
SESSION = {
    "date": "2026-01-01",
    "commit": "abc",
    "machine": {"cpu": "a processor", "threads": 1, "torch": "2"},
}


def epoch(number: int, *, wall: float, living: int = 64) -> EpochRecord:
    parts = {name: Seconds(wall / 4, wall / 8) for name in PARTS}
    return EpochRecord(number, 10, Seconds(wall, wall / 2), parts, living)


def write_log(path: Path, walls: Sequence[float], living: Sequence[int] | None = None) -> EpochLog:
    log = EpochLog(path)
    log.begin(Seconds(2, 1), SESSION)
    for index, wall in enumerate(walls):
        log.append(epoch(index + 1, wall=wall, living=living[index] if living else 64))
    return log


def test_a_cost_is_the_sum_of_its_epochs(tmp_path: Path) -> None:
    log = write_log(tmp_path / "epochs.json", [4, 8, 16])
    cost = cost_of(log)
    assert (cost.epochs, cost.steps) == (3, 30)
    assert cost.running == Seconds(28, 14)
    assert cost.total == Seconds(30, 15)
    assert cost.parts["data"] == Seconds(7, 3.5)


def test_the_beginning_of_a_search_costs_its_set_up_too(tmp_path: Path) -> None:
    cost = cost_of(write_log(tmp_path / "epochs.json", [4, 8, 16]), epochs=2)
    assert (cost.epochs, cost.total) == (2, Seconds(14, 7))


def test_means_and_ratios() -> None:
    a = Cost(10, 100, Seconds(8, 4), Seconds(2, 1), {"data": Seconds(4, 2)})
    b = Cost(20, 200, Seconds(28, 9), Seconds(2, 1), {"other": Seconds(2, 1)})
    mean = mean_cost([a, b])
    assert (mean.epochs, mean.steps, mean.total) == (15, 150, Seconds(20, 7.5))
    assert mean.parts == {"data": Seconds(2, 1), "other": Seconds(1, 0.5)}
    times = ratio(b, a)
    assert (times.epochs, times.steps, times.wall, times.cpu) == (2, 2, 3, 2)
    assert ratio(a, Cost()) is None
    with pytest.raises(ValueError, match="no cost"):
        mean_cost([])


def cell(*nodes: tuple[tuple[str, str], ...]) -> Genotype:
    kept = [
        NodeGenotype(0, number, tuple(KeptEdge(*edge) for edge in edges))
        for number, edges in enumerate(nodes)
    ]
    return Genotype(SPACE, tuple(kept))


FULL = cell(
    (("skip", "sep_conv_3x3"), ("gate", "skip_connect")),
    (("skip", "sep_conv_5x5"), ("node_0", "skip_connect")),
)


def records(dice: float, *, spread: float = 0.0, patients: int = 12) -> list[CaseRecord]:
    draw = np.random.default_rng(0).normal(0, 1, patients)
    return [
        CaseRecord(f"p{i}", f"p{i}", 1, "organ", float(np.clip(dice + spread * d, 0, 1)), 1.0)
        for i, d in enumerate(draw)
    ]


def test_seeds_are_averaged_patient_by_patient() -> None:
    by_seed = {0: records(0.8), 1: records(0.9)}
    assert summary_of(by_seed).mean == pytest.approx(0.85)
    assert seed_mean(by_seed[1]) == pytest.approx(0.9)


@pytest.fixture
def settings(tmp_path: Path) -> BenchmarkSettings:
    return BenchmarkSettings(
        bundle="hippocampus_unet",
        dataset_dir=tmp_path,
        output_dir=tmp_path / "work",
        modes=["full", "pruned", "random"],
        seeds=[0, 1],
        search_seeds={"reference": [0], "full": [0, 1], "pruned": [1, 0]},
    )


def test_searches_take_turns_seed_by_seed_and_the_slowest_first(settings) -> None:
    planned = replace(settings, modes=["pruned", "full", "reference"])
    assert [plan.name for plan in planned.plans()] == [
        *("reference, seed 0", "full, seed 0", "pruned, seed 0", "full, seed 1", "pruned, seed 1"),
    ]


def test_seeds_without_a_search_take_the_cell_of_the_first(settings) -> None:
    few = replace(settings, search_seeds={**settings.search_seeds, "full": [1]}, modes=["full"])
    save_genotype(FULL, few.plan("full", 1).genotype)
    cells = found_cells(few)["full"]
    assert {seed: cell.search_seed for seed, cell in cells.items()} == {0: 1, 1: 1}
    assert found_cells(replace(few, modes=["full", "random"]))["random"][1].search_seed == 1
    # A search of its own that has not ended is waited for.
    assert set(found_cells(replace(settings, modes=["full"]))["full"]) == {1}


def test_equal_cells_with_equal_seeds_are_trained_once(settings: BenchmarkSettings) -> None:
    marked = replace(FULL, provenance={"epochs": 7})
    other = random_genotype(SPACE, 0)
    cells = {
        "full": {0: FoundCell("full", 0, FULL), 1: FoundCell("full", 1, other)},
        "pruned": {0: FoundCell("pruned", 0, marked), 1: FoundCell("pruned", 0, marked)},
    }
    folders = training_folders(settings, cells)
    assert folders["full"][0] == folders["pruned"][0]
    assert len({folders["pruned"][0], folders["pruned"][1], folders["full"][1]}) == 3
    assert set(folders[PLAIN]) == {0, 1}
    assert folders[PLAIN][0].parent.name == PLAIN


@pytest.fixture
def results(settings: BenchmarkSettings) -> Results:
    """Full takes 6 epochs, pruned 3; one search is at work."""
    plans = {
        mode: {seed: settings.plan(mode, seed) for seed in (0, 1)} for mode in ("full", "pruned")
    }
    for mode, walls, living in (
        ("full", [5.0] * 6, [64] * 6),
        ("pruned", [5.0, 3.0, 1.0], [64, 20, 8]),
    ):
        for seed, plan in plans[mode].items():
            write_log(plan.folder / "epochs.json", walls, living)
            if (mode, seed) != ("full", 1):
                save_genotype(FULL, plan.genotype)
    costs = {
        "full": {0: cost_of(plans["full"][0].log)},
        "pruned": {seed: cost_of(plan.log) for seed, plan in plans["pruned"].items()},
        "random": {0: Cost(), 1: Cost()},
    }
    cells = {
        "full": {seed: FoundCell("full", 0, FULL) for seed in (0, 1)},
        "pruned": {seed: FoundCell("pruned", seed, FULL) for seed in (0, 1)},
        "random": {
            seed: FoundCell("random", seed, random_genotype(SPACE, seed)) for seed in (0, 1)
        },
    }
    arms = [*cells, PLAIN]
    training = write_log(settings.output_dir / "epochs.json", [6, 4, 12])
    return Results(
        settings,
        plans,
        costs,
        cells,
        {arm: {0: training} for arm in arms},
        4000,
        [("random", 1)],
        {arm: {0: records(0.8, spread=0.02), 1: records(0.81)} for arm in arms},
    )


def test_the_record_is_json_with_all_epochs(results: Results, tmp_path: Path) -> None:
    content = report_json(results, SESSION)
    epochs = content["searches"]["pruned"]["0"]["rows"]
    assert epochs[0].startswith("epoch,steps,living,wall,cpu,data_wall,data_cpu,")
    assert epochs[2].startswith("2,10,20,3.0,1.5,0.75,0.375,")
    assert len(epochs) == 4
    assert content["trainings"][PLAIN]["0"]["rows"][1].startswith("1,10,64,6,3.0,")
    assert content["unfinished"] == ["full, seed 1"]
    assert content["untrained"] == [["random", 1]]
    assert [(one["of"], one["to"]) for one in content["ratios"]] == [("full", "pruned")]
    assert content["ratios"][0]["by_seed"]["0"]["wall"] == pytest.approx(32 / 11)
    assert content["cells"]["full"]["1"]["search_seed"] == 0
    assert set(content["dice"]) == {"full", "pruned", "random", PLAIN}

"""Costs, cells and quality of the search benchmark, from numbers that are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from search_benchmark.cells import Agreement, FoundCell, agreement, found_cells
from search_benchmark.clock import PARTS, Seconds
from search_benchmark.costs import Cost, cost_of, mean_cost, ratio
from search_benchmark.early_stop import EarlyStop
from search_benchmark.epoch_log import EpochLog, EpochRecord
from search_benchmark.markdown import markdown_table
from search_benchmark.pictures import draw_cost, draw_epochs
from search_benchmark.quality import compare_with, seed_mean, summary_of
from search_benchmark.report import report_json
from search_benchmark.results import Results
from search_benchmark.retraining import PLAIN, training_folders
from search_benchmark.settings import BenchmarkSettings
from search_benchmark.tables import render_tables

from iac_components.evaluation import CaseRecord
from iac_components.search_space import (
    Genotype,
    KeptEdge,
    NodeGenotype,
    SearchSpace,
    random_genotype,
    save_genotype,
)

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


@pytest.mark.parametrize(
    ("other", "edges", "operations"),
    [
        (FULL, 1, 1),
        (cell(*[(("skip", "max_pool_3x3"), ("gate", "skip_connect"))] * 2), 0.75, 1 / 3),
        (cell((("skip", "sep_conv_3x3"),), (("gate", "sep_conv_3x3"),)), 0.25, 1),
    ],
)
def test_agreement_counts_edges_then_operations(other, edges, operations) -> None:
    found = agreement(other, FULL)
    assert (found.edges, found.operations) == (pytest.approx(edges), pytest.approx(operations))


@pytest.mark.parametrize(("other", "edges"), [(cell(), 1), (FULL, 0)])
def test_agreement_with_a_cell_that_has_lost_all_nodes(other, edges) -> None:
    assert agreement(other, cell()) == Agreement(edges, None)
    assert agreement(cell(), FULL) == Agreement(0, None)


def test_cells_without_a_common_edge_have_no_common_operation() -> None:
    one = cell((("skip", "sep_conv_3x3"),), (("gate", "sep_conv_3x3"),))
    other = cell((("gate", "sep_conv_3x3"),), (("skip", "sep_conv_3x3"),))
    assert agreement(one, other).operations is None


def records(dice: float, *, spread: float = 0.0, patients: int = 12) -> list[CaseRecord]:
    draw = np.random.default_rng(0).normal(0, 1, patients)
    return [
        CaseRecord(f"p{i}", f"p{i}", 1, "organ", float(np.clip(dice + spread * d, 0, 1)), 1.0)
        for i, d in enumerate(draw)
    ]


def test_the_pruned_arm_is_compared_with_every_other() -> None:
    arms = {
        "full": {0: records(0.80, spread=0.02), 1: records(0.82, spread=0.02)},
        "pruned": {0: records(0.81, spread=0.01), 1: records(0.81, spread=0.01)},
        PLAIN: {0: records(0.7), 1: records(0.7)},
        "random": {0: records(0.9), 1: records(0.9)},
    }
    found = {one.against: one for one in compare_with(arms, arm="pruned")}
    assert list(found) == ["full", PLAIN, "random"]
    assert found["full"].paired.mean_difference == pytest.approx(0, abs=0.01)
    assert found[PLAIN].paired.non_inferior
    assert found[PLAIN].paired.mean_difference == pytest.approx(0.11, abs=0.01)
    assert not found["random"].paired.non_inferior
    assert found["random"].holm_p > found["random"].paired.p_value


def test_one_patient_is_compared_with_nobody() -> None:
    arms = {"full": {0: records(0.8, patients=1)}, "pruned": {0: records(0.8, patients=1)}}
    assert compare_with(arms, arm="pruned") == []
    assert compare_with({"full": arms["full"]}, arm="pruned") == []


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
        modes=["full", "pruned", "early_stop", "random"],
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
    """Full takes 6 epochs, pruned 3; early stop ends full after 4; one search is at work."""
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
        "early_stop": {0: cost_of(plans["full"][0].log, epochs=4)},
        "random": {0: Cost(), 1: Cost()},
    }
    cells = {
        "full": {seed: FoundCell("full", 0, FULL) for seed in (0, 1)},
        "pruned": {seed: FoundCell("pruned", seed, FULL) for seed in (0, 1)},
        "early_stop": {seed: FoundCell("early_stop", 0, FULL) for seed in (0, 1)},
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
        {0: EarlyStop(4, True, FULL)},
        cells,
        {arm: {0: training} for arm in arms},
        4000,
        [("random", 1)],
        {arm: {0: records(0.8, spread=0.02), 1: records(0.81)} for arm in arms},
    )


def test_tables_say_what_was_measured(results: Results) -> None:
    text = render_tables(report_json(results, SESSION), pictures=["a.png"])
    assert "left out below:** full, seed 1 (6 epochs)" in text
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if "|" in line}
    # Set-up 2 s and 30 s against 2 s and 9 s; 6 epochs against 3.
    assert lines["full length / pruned"].split(" | ")[1:5] == ["2.0", "2.0", "2.9", "2.9"]
    assert lines["early stop / pruned"].split(" | ")[1:4] == ["1.3", "1.3", "2.0"]
    assert "reference" not in text
    assert "full length: the cell of search seed 0 for training seed 1;" in text
    assert "80.5" in text
    assert "Not trained yet:** random, seed 1." in text
    assert "has not changed for 10 epochs: seed 0 after epoch 4." in text
    assert "pruned − no cell" in text
    assert "![a.png](a.png)" in text
    assert "own schedule is 4000 such steps." in text
    training = text[text.index("### The search against the training") :]
    assert "| pruned | 22.0 | 11.0 | 0.250 | 0.50 | 0.50 |" in training


def test_tables_of_a_benchmark_that_has_just_begun(results: Results) -> None:
    empty = replace(results, costs={"full": {}}, stops={}, cells={}, trainings={}, records={})
    empty = replace(empty, untrained=[])
    text = render_tables(report_json(empty, SESSION), pictures=[])
    assert "full, seed 1 (6 epochs)" in text
    assert "|" not in text


def test_the_record_is_json_with_all_epochs(results: Results, tmp_path: Path) -> None:
    content = report_json(results, SESSION)
    epochs = content["searches"]["pruned"]["0"]["rows"]
    assert epochs[0].startswith("epoch,steps,living,wall,cpu,data_wall,data_cpu,")
    assert epochs[2].startswith("2,10,20,3.0,1.5,0.75,0.375,")
    assert len(epochs) == 4
    assert content["trainings"][PLAIN]["0"]["rows"][1].startswith("1,10,64,6,3.0,")
    assert content["unfinished"] == ["full, seed 1"]
    assert content["early_stop"] == {"0": {"epoch": 4, "stopped": True}}
    assert [(one["of"], one["to"]) for one in content["ratios"]] == [
        ("full", "pruned"),
        ("early_stop", "pruned"),
    ]
    assert content["ratios"][0]["by_seed"]["0"]["wall"] == pytest.approx(32 / 11)
    assert content["cells"]["full"]["1"]["search_seed"] == 0
    found = content["cells"]["pruned"]["1"]["agreement_with_full"]
    assert found == {"search_seed": 0, "edges": 1, "operations": 1}
    assert content["cells"]["full"]["1"]["agreement_with_full"] is None
    assert {one["against"] for one in content["comparisons"]} == {
        *("full", "early_stop", "random", PLAIN)
    }


def colours(path: Path) -> set[tuple[int, ...]]:
    with Image.open(path) as image:
        assert image.width >= 600
        return {colour for _, colour in image.convert("RGB").getcolors(image.width * image.height)}


@pytest.mark.parametrize("draw", [draw_epochs, draw_cost])
def test_pictures_show_every_mode(results: Results, tmp_path: Path, draw) -> None:
    shown = colours(draw(results, tmp_path / "picture.png"))
    # Full, pruned and early stop in the colours of the palette.
    assert {(0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00), (0x00, 0x9E, 0x73)} <= shown


@pytest.mark.parametrize("draw", [draw_epochs, draw_cost])
def test_pictures_of_a_benchmark_that_has_just_begun(results: Results, tmp_path, draw) -> None:
    empty = replace(results, plans={}, costs={}, stops={}, cells={}, trainings={}, records={})
    assert draw(empty, tmp_path / "picture.png").exists()


def test_a_table_is_aligned() -> None:
    assert markdown_table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |\n"

"""The search itself: who moves when, what is written, and that a kill changes nothing."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from dints_searches import AlwaysStable, Search
from ignite.engine import Events

from iac_components.common.trace_format import SUMMARY_COLUMNS
from iac_components.dints import load_architecture, save_found_architecture
from iac_components.dints.searching.found_architecture import LAST_NAME


def copies(search: Search) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    network = search.network
    sets = (network.weight_parameters(), network.architecture_parameters())
    weights, architecture = ([p.detach().clone() for p in parameters] for parameters in sets)
    return weights, architecture


def same(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(map(torch.equal, first, second))


def test_the_warm_up_trains_weights_alone(tmp_path: Path) -> None:
    search = Search(tmp_path, epochs=2, warmup_epochs=2)
    weights, architecture = copies(search)
    search.run()
    after = copies(search)
    assert not same(weights, after[0])
    assert same(architecture, after[1])


def test_the_architecture_step_leaves_weights(tmp_path: Path) -> None:
    search = Search(tmp_path, epochs=1, warmup_epochs=0)
    seen: list[bool] = []

    def step(batch: dict[str, torch.Tensor]) -> torch.Tensor:
        weights, architecture = copies(search)
        loss = original(batch)
        after = copies(search)
        seen.append(same(weights, after[0]) and not same(architecture, after[1]))
        return loss

    original = search.trainer._architecture_step
    search.trainer._architecture_step = step
    search.run()
    assert seen == [True] * 4


def test_the_regularizer_is_annealed(tmp_path: Path) -> None:
    search = Search(tmp_path, epochs=5, warmup_epochs=2)
    weights: list[float] = []
    search.trainer.add_event_handler(
        Events.EPOCH_COMPLETED, lambda engine: weights.append(engine.regularizer_weight)
    )
    search.run()
    assert weights == [0, 0, 0, 0.5, 1]


def test_the_regularizer_reaches_the_architecture(tmp_path: Path) -> None:
    """The same search without its terms moves elsewhere, from the second epoch on."""
    with_terms, without = (Search(tmp_path / name, epochs=3) for name in "ab")
    without.regularizer.weights.update(dict.fromkeys(without.regularizer.weights, 0.0))
    ends = [copies(search.run())[1] for search in (with_terms, without)]
    assert not same(*ends)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_the_summary_says_what_happened(tmp_path: Path) -> None:
    search = Search(tmp_path, epochs=4, scores=(0.1, 0.4, math.nan, 0.3)).run()
    rows = read(tmp_path / "search_summary.csv")
    assert tuple(rows[0]) == SUMMARY_COLUMNS
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert [bool(row["architecture_loss"]) for row in rows] == [False, True, True, True]
    assert [row["validation_dice"] for row in rows] == ["0.1", "0.4", "", "0.3"]
    terms = search.regularizer.terms()
    for name in ("path_entropy", "operation_entropy", "topology_loss", "expected_memory_fraction"):
        assert float(rows[-1][name]) == pytest.approx(terms[name].item(), rel=1e-6)
    assert float(rows[-1]["expected_memory_gigabytes"]) == pytest.approx(
        terms["expected_memory_fraction"].item() * search.memory.largest / 1e9
    )


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ((0.9, 0.1, 0.3, 0.2), 3),  # the first epoch is the warm-up
        ((0.9, math.nan, 0.1, math.inf), 3),
        ((0.9, 0.2, 0.2, 0.2), 2),
    ],
)
def test_the_best_validation_is_kept(tmp_path: Path, scores: tuple[float, ...], best: int) -> None:
    search = Search(tmp_path, scores=scores).run()
    found = load_architecture(tmp_path / "architecture.json")
    assert found.provenance["epoch"] == best
    assert found.provenance["validation_score"] == scores[best - 1]
    written = save_found_architecture(
        tmp_path / "architecture.json",
        search.network,
        trace=search.trace,
        settings={"seed": 0},
        budget=search.budget,
        best=search.best,
    )
    assert written.blocks == found.blocks
    content = json.loads((tmp_path / "architecture.json").read_text())["provenance"]
    assert content["chosen"] == "best validation"
    assert content["settings"] == {"seed": 0}
    assert content["memory"]["activation_gigabytes"] <= content["memory"]["budget_gigabytes"]
    last = load_architecture(tmp_path / LAST_NAME)
    assert last.provenance["chosen"] == "last epoch"
    assert last.blocks == search.network.decode(search.budget).blocks


def save(search: Search) -> dict[str, object]:
    return dict(
        save_found_architecture(
            search.folder / "architecture.json",
            search.network,
            trace=search.trace,
            settings={},
            budget=search.budget,
            best=search.best,
        ).provenance
    )


def test_without_a_validation_the_last_epoch_counts(tmp_path: Path) -> None:
    search = Search(tmp_path, epochs=2).run()
    assert save(search)["chosen"] == "last epoch"


def test_what_pruning_decided_counts_most(tmp_path: Path) -> None:
    search = Search(
        tmp_path,
        epochs=9,
        criterion=AlwaysStable(1),
        keep_schedule=(1,),
        path_pruning=True,
        scores=(0.9,) * 9,
    ).run()
    provenance = save(search)
    assert provenance["chosen"] == "decided by pruning"
    assert provenance["stop_reason"] == "genotype decided"


def test_an_unknown_metric_lists_the_known(tmp_path: Path) -> None:
    search = Search(tmp_path)
    search.best.metric_name = "accuracy"
    search.trainer.state.epoch = 3
    with pytest.raises(KeyError, match="no metric 'accuracy', only"):
        search.validate(0.5)


PRUNED = {"criterion": AlwaysStable(2), "keep_schedule": (3, 2, 1), "path_pruning": True}


KINDS = {"whole": {}, "pruned": PRUNED}
SCORES = (0.1, 0.5, 0.2, 0.6, 0.3)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Search]:
    """Return a function that gives a search of a kind that nothing cut, run once."""

    @cache
    def run(kind: str) -> Search:
        folder = tmp_path_factory.mktemp(kind)
        return Search(folder, epochs=5, scores=SCORES, **KINDS[kind]).run()

    return run


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_a_resumed_search_is_the_same_to_the_bit(
    tmp_path: Path, straight: Callable[[str], Search], stop: int, kind: str
) -> None:
    whole, options = straight(kind), KINDS[kind]
    cut = Search(tmp_path / "cut", epochs=5, scores=SCORES, **options)

    def kill(engine: object) -> None:
        raise KeyboardInterrupt

    cut.trainer.add_event_handler(Events.ITERATION_COMPLETED(once=stop * 4 + 2), kill)
    with pytest.raises(KeyboardInterrupt):
        cut.run()
    resumed = Search(tmp_path / "cut", epochs=5, scores=SCORES, resume=True, **options).run()
    for one, other in zip(copies(whole), copies(resumed), strict=True):
        assert same(one, other)
    assert whole.losses[-len(resumed.losses) :] == resumed.losses
    assert whole.network.decode(whole.budget) == resumed.network.decode(resumed.budget)
    runs = [whole.folder, tmp_path / "cut"]
    found = [(run / "architecture.json").read_text() for run in runs]
    assert found[0] == found[1]
    for name in ("search_summary.csv", "search_trace.csv"):
        tables = [[{**row, "seconds": ""} for row in read(run / name)] for run in runs]
        assert tables[0] == tables[1]

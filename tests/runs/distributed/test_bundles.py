"""Search, training and evaluation by the multi-GPU configs, on two processes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch

from iac_components.dints import load_architecture
from iac_components.search_space import load_genotype


def names(paths: list[str]) -> set[str]:
    return {Path(path).name for path in paths}


@pytest.mark.parametrize("run", ["search", "train", "topology"])
@pytest.mark.parametrize("item", ["weights", "architecture", "alive", "loss"])
def test_ranks_agree_after_every_step(two_ranks, run, item):
    first, second = two_ranks.both(run, "steps")
    assert len(first) >= 4
    assert [step[item] for step in first] == [step[item] for step in second]


def test_weights_and_architecture_move(two_ranks):
    steps, _ = two_ranks.both("search", "steps")
    assert len({step["weights"] for step in steps}) == len(steps)
    assert len({step["architecture"] for step in steps}) == len(steps)


def test_ranks_prune_at_the_same_epochs_to_one_genotype(two_ranks):
    alive = [
        [(s["epoch"], s["alive"]) for s in steps] for steps in two_ranks.both("search", "steps")
    ]
    assert alive[0] == alive[1]
    assert len({count for _, count in alive[0]}) > 1
    folder = two_ranks.root / "search"
    provenance = load_genotype(folder / "genotype.json").provenance
    assert provenance["ranks"] == 2
    assert provenance["stop_reason"] == "genotype decided"


def test_ranks_find_one_topology(two_ranks):
    alive = [
        [(s["epoch"], s["alive"]) for s in steps] for steps in two_ranks.both("topology", "steps")
    ]
    assert alive[0] == alive[1]
    assert len({count for _, count in alive[0]}) > 1
    written = two_ranks.both("topology", "written")
    expected = {"architecture.json", "architecture_last.json", "search_summary.csv", "topology.png"}
    assert expected <= names(written[0])
    assert written[1] == []
    found = load_architecture(two_ranks.root / "topology" / "architecture.json")
    assert found.provenance["ranks"] == 2


def test_one_rank_writes(two_ranks):
    search, train, evaluate = (
        two_ranks.both(run, "written") for run in ("search", "train", "evaluate")
    )
    assert {"genotype.json", "search_trace.csv", "folds.json", "cell.png"} <= names(search[0])
    assert {"checkpoint_epoch=1.pt", "checkpoint_epoch=3.pt"} <= names(search[0])
    assert {"model.pt", "model_final.pt", "checkpoint_epoch=2.pt"} <= names(train[0])
    assert {"metrics.csv", "metrics.json"} <= names(evaluate[0])
    assert [run[1] for run in (search, train, evaluate)] == [[], [], []]
    assert not list(two_ranks.root.rglob("*.tmp*"))


def test_all_ranks_know_the_score(two_ranks):
    first, second = two_ranks.both("train", "metrics")
    assert first == second
    assert 0 <= first["val_mean_dice"] <= 1
    best = torch.load(
        two_ranks.root / "train" / "checkpoints" / "checkpoint_epoch=2.pt", weights_only=True
    )["objects"]["best"]["value"]
    assert best >= first["val_mean_dice"]


def test_model_is_that_of_one_process(two_ranks):
    """No prefix of a wrapper in the names of the weights."""
    weights = torch.load(two_ranks.root / "models" / "model.pt", weights_only=True)["model"]
    assert not [key for key in weights if key.startswith("module.")]


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_evaluation_of_uneven_shares_is_that_of_one_process(two_ranks, evaluate_alone):
    found, expected = rows(two_ranks.root / "evaluate"), rows(evaluate_alone)
    assert found == expected
    assert len({row["case"] for row in expected}) == 3
    first, second = two_ranks.both("evaluate", "metrics")
    assert first["patient_dice"] == second["patient_dice"]
    summaries = [
        json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        for folder in (two_ranks.root / "evaluate", evaluate_alone)
    ]
    for summary in summaries:
        summary.pop("info", None)
    assert summaries[0] == summaries[1]

"""The DiNTS benchmarks measure what they say, on spaces of a second."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from dints_searches import AlwaysStable, Search

import studies.search_cost.dints.pruning as benchmark_dints_pruning
import studies.search_cost.dints.step as step_tool
from iac_components.dints import DintsSpace, save_found_architecture

SPACE = DintsSpace(2, 2, channel_mul=0.0625)
SHAPE = (2, 1, 8, 8, 8)


def test_both_sides_take_the_same_step() -> None:
    """After a step the weights are equal still; the architecture's memory term is another."""
    batches = step_tool.random_batches(SHAPE)
    ours, our_round = step_tool.our_step(SPACE, batches)
    theirs, their_round = step_tool.loop_step(SPACE, batches)
    state = {name: value.clone() for name, value in ours.state_dict().items()}
    del state["dints_space.alive"]
    theirs.load_state_dict(state)
    our_round()
    their_round()
    after = theirs.state_dict()
    moved = 0
    for name, value in ours.state_dict().items():
        if name == "dints_space.alive" or "log_alpha" in name:
            continue
        torch.testing.assert_close(value, after[name], rtol=1e-3, atol=1e-4, msg=name)
        moved += not torch.equal(value, state[name])
    assert moved > 10


def test_a_record_of_a_step() -> None:
    record = step_tool.measure(SPACE, SHAPE, repeats=2)
    assert len(record["loop_over_ours"]["all"]) == 2
    assert record["input_shape"] == list(SHAPE)


@pytest.fixture
def pruned(tmp_path: Path) -> Path:
    search = Search(
        tmp_path,
        epochs=12,
        criterion=AlwaysStable(2),
        keep_schedule=(2, 1),
        path_pruning=True,
    ).run()
    settings = {"warmup_epochs": 1, "max_epochs": 12}
    save_found_architecture(
        tmp_path / "architecture.json",
        search.network,
        trace=search.trace,
        settings=settings,
        budget=search.budget,
        best=search.best,
    )
    return tmp_path


def test_a_record_of_a_pruned_search(pruned: Path) -> None:
    record = benchmark_dints_pruning.measure(pruned, states=3, repeats=1)
    epochs = record["epochs"]
    assert epochs["full"] == 12
    assert epochs["pruned"] < 12
    assert "60" in record["whole_over_pruned_step"]
    assert record["full_over_pruned_search"] > 1


def test_masks_are_those_at_the_start_of_an_epoch(pruned: Path) -> None:
    masks = benchmark_dints_pruning.masks_by_epoch(pruned / "search_trace.csv", (3, 4, 5))
    assert masks[0].all()
    counts = [int(mask.sum()) for mask in masks]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] > 0

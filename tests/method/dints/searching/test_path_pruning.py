"""Pruning by stability: what is wanted stays, what lost is gone, the search ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from dints_searches import SPACE, AlwaysStable, Search, supernet
from hypothesis import given
from hypothesis import strategies as st

from iac_components.dints import DintsSpace, decode, load_architecture
from iac_components.dints.searching.path_pruning import prune_paths
from iac_components.dints.searching.remaining_topology import RemainingTopology
from iac_components.search import SearchTrace
from iac_components.visualization import pruning_events

SHAPE = (SPACE.num_blocks, len(SPACE.paths), len(SPACE.operations))
ALL = np.ones(SHAPE, dtype=bool)
FLAT, DOWN = SPACE.paths.index((0, 0)), SPACE.paths.index((0, 1))


@given(seed=st.integers(0, 10_000), rounds=st.integers(1, 6))
def test_an_architecture_is_always_left(seed: int, rounds: int) -> None:
    random = np.random.default_rng(seed)
    alive = ALL
    for _ in range(rounds):
        paths, operations = random.random(SHAPE[:2]), random.dirichlet(np.ones(5), SHAPE[:2])
        wanted = decode(SPACE, paths, operations, alive=alive)
        after = prune_paths(
            wanted,
            operations,
            paths,
            alive=alive,
            stable_operations=random.random(SHAPE[:2]) < 0.5,
            stable_paths=random.random(SHAPE[:2]) < 0.5,
            schedule=(3, 1),
        )
        assert not (after & ~alive).any()
        assert np.array_equal(RemainingTopology(SPACE, after).without(()).alive, after)
        rows = wanted.path_mask.nonzero()
        assert after[(*rows, wanted.operation_indices[rows])].all()
        alive = after
        decode(SPACE, paths, operations, alive=alive)


def test_only_stable_paths_and_operations_go() -> None:
    random = np.random.default_rng(0)
    operations = random.dirichlet(np.ones(5), SHAPE[:2])
    paths = random.random(SHAPE[:2])
    wanted = decode(SPACE, paths, operations)
    nothing = np.zeros(SHAPE[:2], dtype=bool)
    kept = prune_paths(
        wanted,
        operations,
        paths,
        alive=ALL,
        stable_operations=nothing,
        stable_paths=nothing,
        schedule=(1,),
    )
    assert kept.all()
    stable = nothing.copy()
    stable[1, 2] = True
    kept = prune_paths(
        wanted,
        operations,
        paths,
        alive=ALL,
        stable_operations=stable,
        stable_paths=None,
        schedule=(3,),
    )
    assert kept[1, 2].sum() == 3
    assert kept.sum() == ALL.sum() - 2
    lost = np.argwhere(~wanted.path_mask & (paths < 0.5))[0]
    stable = nothing.copy()
    stable[tuple(lost)] = True
    kept = prune_paths(
        wanted,
        operations,
        paths,
        alive=ALL,
        stable_operations=nothing,
        stable_paths=stable,
        schedule=(),
    )
    assert not kept[tuple(lost)].any()
    assert kept.sum() == ALL.sum() - 5


def test_an_operation_chosen_for_the_budget_outranks_likelier_ones() -> None:
    paths = np.full(SHAPE[:2], 0.9)
    operations = np.broadcast_to([0.05, 0.5, 0.3, 0.1, 0.05], SHAPE).copy()
    costs = np.broadcast_to([0.0, 9.0, 9.0, 9.0, 9.0], SHAPE)
    cheap = decode(SPACE, paths, operations, costs=costs, max_cost=0)
    kept = prune_paths(
        cheap,
        operations,
        paths,
        alive=ALL,
        stable_operations=np.ones(SHAPE[:2], dtype=bool),
        stable_paths=None,
        schedule=(1,),
    )
    rows = cheap.path_mask.nonzero()
    assert kept[(*rows, cheap.operation_indices[rows])].all()
    assert decode(SPACE, paths, operations, alive=kept, costs=costs, max_cost=0) == cheap


def test_a_likely_path_that_only_the_budget_leaves_out_stays() -> None:
    paths, operations = np.full(SHAPE[:2], 0.9), np.full(SHAPE, 0.2)
    costs = np.ones(SHAPE)
    wanted = decode(SPACE, paths, operations, costs=costs, max_cost=3)
    assert wanted.path_mask.sum() == 3
    everything = np.ones(SHAPE[:2], dtype=bool)
    for likely in (True, False):
        kept = prune_paths(
            wanted,
            operations,
            paths if likely else 1 - paths,
            alive=ALL,
            stable_operations=~everything,
            stable_paths=everything,
            schedule=(),
        )
        assert kept.any(axis=-1).sum() == (12 if likely else 3)


@pytest.mark.parametrize("settled", [True, False])
def test_a_likely_path_that_leads_nowhere_goes(settled: bool) -> None:
    paths = np.full(SHAPE[:2], 0.1)
    paths[:, FLAT], paths[0, DOWN] = 0.9, 0.6
    operations = np.full(SHAPE, 0.2)
    wanted = decode(SPACE, paths, operations)
    assert wanted.path_mask.sum() == 3
    everything = np.ones(SHAPE[:2], dtype=bool)
    alive = ALL.copy()
    if not settled:  # as an older version may have left it
        alive[~wanted.path_mask] = False
        alive[0, DOWN] = True
    kept = prune_paths(
        wanted,
        operations,
        paths,
        alive=alive,
        stable_operations=~everything,
        stable_paths=everything & settled,
        schedule=(),
    )
    assert np.array_equal(kept.any(axis=-1), wanted.path_mask)


def test_a_search_ends_without_its_dead_ends(tmp_path: Path) -> None:
    def search(*, resume: bool = False) -> Search:
        return Search(
            tmp_path,
            epochs=3,
            criterion=AlwaysStable(0),
            keep_schedule=(1,),
            path_pruning=True,
            resume=resume,
        )

    first = search()
    with torch.no_grad():
        logits = first.network.topology.log_alpha_a.fill_(-3.0)
        logits[:, FLAT], logits[0, DOWN] = 3.0, 0.4
    first.run()
    assert first.trainer.state.epoch == 1
    alive = first.network.living()
    assert first.network.decode(first.budget).fills(alive)
    trace = SearchTrace.read(tmp_path / "search_trace.csv")
    assert np.array_equal(trace.active[-1], alive.reshape(trace.active[-1].shape))
    gone = {event.edge for event in pruning_events(trace) if event.edge_removed}
    assert gone == set(np.flatnonzero(~alive.any(axis=-1)))
    again = search(resume=True).run()
    assert again.trainer.state.epoch == 1  # it had ended
    assert np.array_equal(again.network.living(), alive)


def test_decided_is_one_architecture_and_nothing_else() -> None:
    network = supernet(spread=1.0)
    wanted = network.decode()
    alive = np.zeros(SHAPE, dtype=bool)
    rows = wanted.path_mask.nonzero()
    alive[(*rows, wanted.operation_indices[rows])] = True
    assert wanted.fills(alive)
    alive[0, 0, :2] = True
    assert not wanted.fills(alive)


def test_a_pruned_search_ends_early_and_gets_smaller(tmp_path: Path) -> None:
    search = Search(
        tmp_path,
        epochs=30,
        criterion=AlwaysStable(2),
        keep_schedule=(3, 2, 1),
        path_pruning=True,
    )
    before = sum(p.numel() for p in search.network.weight_parameters())
    search.run()
    assert search.trainer.state.epoch == 5  # two to begin with, three steps down the schedule
    held = {id(p) for group in search.trainer.optimizer.param_groups for p in group["params"]}
    living = list(search.network.weight_parameters())
    assert held == {id(p) for p in living}
    assert sum(p.numel() for p in living) < before / 2
    assert search.network.decode(search.budget).fills(search.network.alive.numpy())
    assert search.memory.of(search.network.decode()) <= search.budget.bytes


@pytest.mark.parametrize("fraction", [0.66, 0.8])
def test_the_budget_holds_through_pruning(tmp_path: Path, fraction: float) -> None:
    search = Search(
        tmp_path,
        epochs=30,
        fraction=fraction,
        criterion=AlwaysStable(1),
        keep_schedule=(1,),
        path_pruning=True,
    ).run()
    found = search.network.decode()
    assert search.memory.of(found) <= search.budget.bytes


def test_off_by_default(tmp_path: Path) -> None:
    search = Search(tmp_path, epochs=4, criterion=AlwaysStable(0)).run()
    assert search.network.alive.all()
    assert search.trainer.state.epoch == 4


@pytest.mark.parametrize("schedule", [(1, 2), (3, 3), (2, 0)])
def test_bad_schedules(tmp_path: Path, schedule: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="keep_schedule must fall strictly to 1"):
        Search(tmp_path, keep_schedule=schedule)


def test_an_architecture_ruled_out_is_best_no_more(tmp_path: Path) -> None:
    search = Search(tmp_path, warmup_epochs=0)
    search.trainer.state.epoch = 1
    with torch.no_grad():
        search.network.topology.log_alpha_a.fill_(2.0)
    search.validate(0.9)
    first = load_architecture(tmp_path / "architecture.json")
    alive = search.network.alive.clone()
    source, target, operation = first.blocks[0][0]
    row = SPACE.paths.index((source, target))
    alive[0, row, SPACE.operations.index(operation)] = False
    search.network.prune(alive)
    assert search.best.score == float("-inf")
    search.trainer.state.epoch = 2
    search.validate(0.1)
    assert load_architecture(tmp_path / "architecture.json").provenance["epoch"] == 2


def test_a_space_of_two_dimensions(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    space = DintsSpace(2, 2, spatial_dims=2)
    operations = random.dirichlet(np.ones(2), (2, 4))
    wanted = decode(space, random.random((2, 4)), operations)
    everything = np.ones((2, 4), dtype=bool)
    kept = prune_paths(
        wanted,
        operations,
        np.zeros((2, 4)),
        alive=np.ones((2, 4, 2), dtype=bool),
        stable_operations=everything,
        stable_paths=everything,
        schedule=(1,),
    )
    assert wanted.fills(kept)

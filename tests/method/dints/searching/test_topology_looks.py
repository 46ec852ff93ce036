"""Looks at topology supernets whose truth is a formula: what goes, what stays, at what cost."""

from __future__ import annotations

import numpy as np
import pytest
from dints_searches import PATCH, supernet
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_topology import SPACE, World

from iac_components.dints import DintsSpace, MemoryBudget, MemoryModel, decode
from iac_components.dints.searching.remaining_topology import RemainingTopology
from iac_components.search.audits.looks import Ready, Standing
from iac_components.search.evidence.parts import Part

FLAT = SPACE.paths.index((0, 0))
DEEP = SPACE.paths.index((1, 1))
DOWN = SPACE.paths.index((0, 1))
CONVOLUTION = SPACE.operations.index("conv_3x1x3")
SHAPE = (SPACE.num_blocks, len(SPACE.paths), len(SPACE.operations))


def nothing(remaining: RemainingTopology) -> float:
    return 0.0


def test_where_nothing_matters_one_cheapest_chain_is_left() -> None:
    world = World(nothing)
    world.run()
    assert world.remaining.alive.sum() == SPACE.num_blocks
    assert world.remaining.alive[..., 0].sum() == SPACE.num_blocks  # identities
    assert world.looks.is_settled(world.remaining)
    decode(SPACE, np.full(SHAPE[:2], 0.5), np.full(SHAPE, 0.2), alive=world.remaining.alive)


def test_the_planted_truth_is_what_is_left() -> None:
    def truth(remaining: RemainingTopology) -> float:
        alive = remaining.alive
        return 0.05 * sum(alive[block, DEEP, CONVOLUTION] for block in range(3)) + 0.03 * bool(
            alive[1, FLAT].any()
        )

    world = World(truth)
    assert world.run() < 60
    left = {(p.level, p.index): world.remaining.operations(p) for p in world.remaining.paths}
    for block in range(3):
        assert left[block, DEEP] == [Part("operation", block, DEEP, CONVOLUTION)]
    assert left[1, FLAT] == [Part("operation", 1, FLAT, 0)]
    assert world.log.standing(Part("path", 1, FLAT)) == Standing.NEEDED
    # It needs a path into it and one out of it, and no more.
    assert len(left) <= 6


def test_a_look_costs_no_more_than_it_may() -> None:
    world = World(nothing, space=DintsSpace(6, 3))
    world.look(1)
    assert world.log.passes == sum(map(len, world.asked))
    # Sets of what may go together come on top.
    assert len(world.asked[0]) <= world.settings.passes
    assert world.log.passes <= world.settings.passes + 6


def test_only_what_is_ready_goes() -> None:
    world = World(nothing)
    paths = np.zeros(SHAPE[:2], dtype=bool)
    never = Ready(paths, paths.copy())
    for epoch in range(1, 5):
        assert world.look(epoch, ready=never).alive.all()
    paths[1, DOWN] = True
    left = world.look(5, ready=Ready(np.zeros_like(paths), paths))
    assert not left.alive[1, DOWN].any()
    assert left.alive.any(axis=-1).sum() == 11


def test_noise_decides_nothing() -> None:
    world = World(nothing, noise=0.5)
    for epoch in range(1, 11):
        world.look(epoch)
    assert world.remaining.alive.all()
    assert not world.looks.is_settled(world.remaining)


def test_losses_that_are_not_finite_decide_nothing() -> None:
    world = World(lambda remaining: float("nan"))
    for epoch in range(1, 5):
        world.look(epoch)
    assert world.remaining.alive.all()


def test_paths_that_stand_in_for_each_other_do_not_both_go() -> None:
    def either(remaining: RemainingTopology) -> float:
        return 0.05 * bool(remaining.alive[1, [DOWN, DEEP]].any())

    world = World(either)
    world.run()
    assert world.remaining.alive[1, [DOWN, DEEP]].any()


def test_dead_ends_go_with_what_led_to_them() -> None:
    everything = RemainingTopology(SPACE, np.ones(SHAPE, dtype=bool))
    into_the_deep = [Part("path", 0, row) for row, (_, t) in enumerate(SPACE.paths) if t == 1]
    left = everything.without(into_the_deep)
    from_the_deep = [row for row, (source, _) in enumerate(SPACE.paths) if source == 1]
    assert not left.alive[1, from_the_deep].any()
    assert left.alive[2].any(axis=-1).all()
    out_of_the_deep = [Part("path", 2, row) for row in from_the_deep]
    left = everything.without(out_of_the_deep)
    into = [row for row, (_, target) in enumerate(SPACE.paths) if target == 1]
    assert not left.alive[1, into].any()
    assert left.alive[0].any(axis=-1).all()
    assert everything.alive.all()


def test_the_last_paths_cannot_go() -> None:
    alive = np.zeros(SHAPE, dtype=bool)
    alive[:, FLAT] = True
    chain = RemainingTopology(SPACE, alive)
    assert not any(chain.can_lose(path) for path in chain.paths)
    assert all(chain.can_lose(op) for path in chain.paths for op in chain.operations(path))
    assert list(World(nothing).looks.groups("paths", chain)) == []


@settings(max_examples=15)
@given(seed=st.integers(0, 2**16), fraction=st.sampled_from([None, 0.66, 0.8]))
def test_an_architecture_within_the_budget_is_always_left(
    seed: int, fraction: float | None
) -> None:
    random = np.random.default_rng(seed)
    memory = MEMORY
    budget = None if fraction is None else MemoryBudget(memory, fraction=fraction)
    worth = random.normal(0, 0.02, SHAPE)
    world = World(lambda r: float((worth * r.alive).sum()), space=memory.space, budget=budget)
    for epoch in range(1, 12):
        world.look(epoch)
        found = decode(
            memory.space,
            random.random(SHAPE[:2]),
            random.dirichlet(np.ones(5), SHAPE[:2]),
            alive=world.remaining.alive,
            **(
                {}
                if budget is None
                else {
                    "costs": memory.costs,
                    "node_costs": memory.node_costs,
                    "max_cost": budget.path_bytes,
                }
            ),
        )
        assert budget is None or memory.of(found) <= budget.bytes


MEMORY = MemoryModel(supernet(), input_shape=(2, 1, *PATCH))


def test_the_tightest_budget_leaves_the_cheapest_choice_alone() -> None:
    budget = MemoryBudget(MEMORY, gigabytes=MEMORY.smallest / 1e9)
    everything = RemainingTopology(MEMORY.space, np.ones(SHAPE, dtype=bool), budget)
    assert everything.is_possible
    free = [path for path in everything.paths if not everything.can_lose(path)]
    assert free
    assert all(not everything.can_lose(*everything.operations(path)) for path in free)


@pytest.mark.parametrize("number", [1, 5])
def test_the_error_is_shared_out(number: int) -> None:
    world = World(nothing)
    looks, remaining = world.looks, world.remaining
    paths = looks.error_level("paths", number, remaining)
    operations = looks.error_level("operations", number, remaining)
    # Two comparisons a path, twenty of five operations, and a few of what goes together.
    assert paths * (24 + 5) == pytest.approx(operations * (240 + 8))
    assert looks.error_level("paths", number + 1, remaining) < paths < 0.05

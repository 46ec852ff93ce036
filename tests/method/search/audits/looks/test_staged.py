"""Staged looks on supernets whose truth is a formula: what goes, in which order, at what cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planted_world import COSTS, OPERATIONS, World, first_node, nothing

from iac_components.search.audits.looks import AuditLog, AuditSettings, StagedAudit, Standing
from iac_components.search.audits.looks.log import WHOLE
from iac_components.search.audits.looks.staged import Ready
from iac_components.search.evidence.parts import Part
from iac_components.search_space import SearchSpace

SEP = OPERATIONS.index("sep_conv_3x3")


def test_where_nothing_matters_the_first_look_takes_all_cells_away():
    world = World(nothing)
    left = world.look(1)
    assert left.cells == []
    assert not left.alive.any()
    assert left.treatments.tolist() == [1] * 4


def test_a_first_look_of_a_shared_space_costs_no_more_than_twenty_passes():
    def everything(remaining):
        return 0.02 * remaining.alive.any(axis=-1).sum() + 0.05 * len(remaining.cells)

    world = World(everything, space=SearchSpace(2))
    world.audit.costs = np.arange(8.0)
    world.look(1)
    passes = sum(len(bundles) for bundles in world.asked)
    assert passes == world.log.passes <= 20
    # All levels with and without their skips, all cells, all nodes: nothing coarse is left out.
    kinds = [line.part.kind for line in world.log.lines]
    assert kinds.count("cell") == kinds.count("skip") == kinds.count("node") == 4
    assert kinds.count("cells") == 1


def test_the_planted_truth_is_what_is_left():
    world = World(first_node)
    epochs = world.run(60)
    assert epochs < 60
    assert world.remaining.cells == [0, 1, 2, 3]
    assert world.remaining.nodes(0) == [0]
    assert world.remaining.inputs(0, 0) == [0]
    assert world.remaining.operations(0, 0) == [SEP]
    assert world.audit.is_settled(world.remaining)


def test_a_cell_stays_where_it_is_worth_something():
    def second(remaining):
        return 0.05 * (1 in remaining.cells) * remaining.alive[0, 0, SEP]

    world = World(second)
    world.look(1)
    assert world.remaining.cells == [1]


def test_two_cells_that_stand_in_for_each_other_do_not_both_go():
    def either(remaining):
        return 0.05 * bool({0, 1} & set(remaining.cells))

    world = World(either)
    for epoch in range(1, 6):
        world.look(epoch)
    assert len(set(world.remaining.cells) & {0, 1}) == 1


def test_operations_that_stand_in_for_each_other_do_not_both_go_and_the_cheaper_stays():
    def twins(remaining):
        return 0.05 * remaining.alive[0, 0, 2:].any()

    world = World(twins)
    world.run(60)
    dil = OPERATIONS.index("dil_conv_3x3")
    assert COSTS[dil] < COSTS[SEP]
    (kept,) = world.remaining.operations(0, 0)
    assert kept in (dil, SEP)


def test_a_skip_without_which_it_goes_better_is_switched_off():
    def harmful(remaining):
        return first_node(remaining) - 0.1 * (remaining.treatments[2] != 2)

    world = World(harmful)
    world.look(1)
    assert world.remaining.treatments.tolist() == [0, 0, 2, 0]


def test_a_needless_skip_of_a_needless_cell_stays_on():
    def second(remaining):
        return 0.05 * (1 in remaining.cells)

    world = World(second)
    for epoch in range(1, 9):
        world.look(epoch)
    assert 2 not in world.remaining.treatments


def test_where_noise_is_too_large_nothing_is_decided():
    world = World(first_node, noise=1.0)
    world.look(1)
    assert world.remaining.alive.all()
    assert {line.standing for line in world.log.lines} == {Standing.UNDECIDED}
    assert not world.audit.is_settled(world.remaining)


def test_what_stays_undecided_is_looked_at_less_and_less_often():
    world = World(nothing, noise=1.0)
    for epoch in range(1, 30):
        world.look(epoch)
    looks = [line.look for line in world.log.lines if line.part == WHOLE]
    assert np.diff(looks).tolist()[:3] == [1, 2, 3]
    assert set(np.diff(looks).tolist()[3:]) == {4}
    # The time between is used: every operation of every edge has been looked at.
    parts = [line.part for line in world.log.lines]
    assert len({part.index for part in parts if part.kind == "operation"}) == 14


def test_what_is_needed_is_not_measured_again():
    world = World(first_node)
    world.run(60)
    assert [line.look for line in world.log.lines if line.part == WHOLE] == [1]


def test_groups_that_are_not_ready_lose_nothing_while_cells_and_nodes_do():
    world = World(first_node)
    space = world.space
    never = Ready(np.zeros((1, len(space.edges)), bool), np.zeros((1, space.num_nodes), bool))
    for epoch in range(1, 20):
        world.look(epoch, ready=never)
    assert world.remaining.nodes(0) == [0]
    assert world.remaining.alive[0, :2].all()


def test_a_resumed_audit_decides_as_an_unbroken_one():
    whole, cut = World(first_node), World(first_node)
    for epoch in range(1, 12):
        whole.look(epoch)
        cut.look(epoch)
        log = AuditLog(cut.space)
        log.load_state_dict(cut.log.state_dict())
        cut.log = log
        cut.audit = StagedAudit(cut.measure, cut.settings, costs=COSTS, skips=4, log=log)
        assert (whole.remaining.alive == cut.remaining.alive).all()
    assert whole.log.lines == log.lines
    assert whole.log.passes == log.passes


@pytest.mark.parametrize("levels", [1, 4])
def test_levels_of_their_own_are_searched_each(levels):
    def first_level(remaining):
        return 0.05 * (0 in remaining.cells) * remaining.alive[0, 0, SEP]

    world = World(first_level, space=SearchSpace(2, operations=OPERATIONS, levels=levels))
    world.run(80)
    assert world.remaining.cells == [0]
    assert world.remaining.alive.sum() == 1


def test_error_is_kept_in_worlds_without_truth():
    """Noise of patients alone, at the size of the tolerance: hardly a search may err."""
    rng, wrong = np.random.default_rng(0), 0
    for _ in range(60):
        world = World(first_node, patients=8)
        offset = rng.normal(size=(8,)) * 0.05

        def noisy(bundles, offset=offset, rng=rng):
            sizes = np.array([[0.02 * bool(b)] for b in bundles])
            return 1 + offset + sizes + 0.01 * rng.normal(size=(len(bundles), 8))

        world.audit.measure = noisy
        world.run(5)
        # Every part is worth 0.02, so that whatever goes goes wrongly, but for the surplus.
        wrong += world.remaining.cells != [0, 1, 2, 3] or world.remaining.nodes(0) != [0, 1, 2, 3]
    assert wrong <= 3


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"tolerance": -0.1}, "tolerance"),
        ({"every": 0}, "every"),
        ({"share": 0}, "share"),
        ({"warmup_epochs": -1}, "warmup_epochs"),
        ({"passes": 0}, "passes"),
        ({"alpha": 1.0}, "alpha"),
        ({"max_cost": 0.9}, "max_cost"),
        ({"cost": "seconds"}, "cost"),
        ({"tolerance": float("nan")}, "tolerance"),
    ],
)
def test_settings_out_of_range_are_named(change, named):
    with pytest.raises(ValueError, match=named):
        replace(AuditSettings(), **change)


def test_looks_come_every_so_many_epochs_after_the_warm_up():
    settings = AuditSettings(warmup_epochs=3, every=2)
    assert [settings.look_after(epoch) for epoch in range(1, 9)] == [
        *(None, None, None),
        *(1, None, 2, None, 3),
    ]
    assert [settings.looks_until(epoch) for epoch in range(2, 9)] == [0, 0, 1, 1, 2, 2, 3]


def test_a_node_that_loses_its_inputs_takes_along_what_it_feeds():
    world = World(nothing)
    edges = world.space.edges
    left = world.remaining.without([Part("edge", 0, 0), Part("edge", 0, 1)])
    assert left.nodes(0) == [1, 2, 3]
    assert not left.alive[0, [row for row, e in enumerate(edges) if e.input == "node_0"]].any()
    gone = world.remaining.without([Part("node", 0, node) for node in range(4)])
    assert gone.cells == []


@pytest.mark.parametrize(
    ("judged", "trained", "share", "every"),
    [
        # 20 passes over 60 images, against 3 x 80 images an epoch.
        (60, 80, 1.0, 5),
        (60, 80, 0.5, 10),
        (60, 4000, 1.0, 1),
    ],
)
def test_looks_cost_no_more_than_their_share_of_training(judged, trained, share, every):
    settings = AuditSettings(passes=20, share=share)
    assert settings.paced(judged=judged, trained=trained).every == every


def test_a_spacing_that_was_given_stays():
    assert AuditSettings(every=7).paced(judged=60, trained=80).every == 7


def test_looks_without_a_spacing_are_refused():
    with pytest.raises(ValueError, match="spacing"):
        AuditSettings().look_after(9)

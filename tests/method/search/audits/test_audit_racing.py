"""The race behind the protocol of the criteria, alone and in a whole search."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from iac_components.networks import skip_modules
from iac_components.search import History
from iac_components.search.audits.audit import Confidence
from iac_components.search.audits.audit_racing import AuditRacing
from iac_components.search.evidence.part_gains import EdgeGains, OperationGains
from iac_components.search.evidence.patient_losses import PatientBatch, PatientLosses
from iac_components.search.stability_pruning.pruning import is_decided

SURE = Confidence(0.5)
COSTS = np.array([0.0, 1.0, 5.0])


def history(alive, epochs=4):
    probabilities = np.broadcast_to(
        alive / alive.sum(axis=1, keepdims=True), (epochs, *alive.shape)
    )
    return History(probabilities, alive, np.zeros(len(alive), dtype=np.int64))


def kept(gains, *, alive=None, epochs=4, **options):
    gains = np.array(gains, dtype=float)
    alive = np.ones(gains.shape[:2], dtype=bool) if alive is None else np.array(alive)
    options = {"costs": COSTS, "confidence": SURE, "forbidden": 0, "at_once": 9, **options}
    decision = AuditRacing(lambda _: gains, **options).decide(history(alive, epochs))
    assert decision.keep is None or (decision.keep <= alive).all()
    return None if decision.keep is None else decision.keep.tolist()


def spread(*means):
    """Gains of three entries in four patients about some means."""
    return [[mean + noise for noise in (-1e-4, 0.0, 1e-4, 2e-4)] for mean in means]


def test_what_is_worse_than_the_best_goes():
    noise = np.array([0.0, 0.01, 0.05])[:, None] + np.zeros((3, 4))
    unclear = noise.copy()
    unclear[1] = [0.2, -0.1, 0.1, -0.12]
    assert kept([unclear]) == [[False, True, True]]


def test_of_equals_the_cheapest_stays_alone():
    assert kept([spread(0.0, 0.050, 0.051)], tolerance=0.01) == [[False, True, False]]
    dear_skip = np.array([0.0, 9.0, 5.0])
    assert kept([spread(0.0, 0.050, 0.051)], tolerance=0.01, costs=dear_skip) == [
        [False, False, True]
    ]


def test_where_nothing_is_as_good_the_cheapest_that_passes_something_stays():
    assert kept([spread(0.0, 0.0001, 0.0002)], tolerance=0.01) == [[False, True, False]]


def test_where_everything_hurts_the_least_harmful_stays():
    gains = [[[0.0] * 4, *spread(-0.5, -0.1)]]
    assert kept(gains) == [[False, False, True]]


def test_two_inputs_stay_of_a_node_the_better_ones():
    gains = [spread(0.3, 0.1, 0.2)]
    assert kept(gains, forbidden=-1, least=2) == [[True, False, True]]
    two = [[True, True, False]]
    assert kept(gains, forbidden=-1, least=2, alive=two) is None


def test_no_look_in_the_warm_up_nor_after_the_last_that_was_planned():
    gains = [spread(0.0, 0.01, 0.05)]
    assert kept(gains, epochs=3) is None
    assert kept(gains, epochs=4) is not None
    assert kept(gains, epochs=6, confidence=Confidence(0.5, looks=2)) is None


def test_a_decided_search_costs_no_look():
    def measure(alive):
        raise AssertionError("measured without need")

    alive = np.array([[False, True, False]])
    criterion = AuditRacing(measure, COSTS, SURE)
    assert criterion.decide(history(alive)).keep is None


def test_groups_without_finite_losses_stay_as_they_are():
    assert kept([np.full((3, 4), np.nan)]) == [[True, True, True]]


@given(arrays(np.float64, (4, 3, 5), elements=st.floats(-1, 1)), st.integers(1, 2))
def test_a_group_never_loses_its_last_and_dead_stay_dead(gains, least):
    alive = np.array([[True] * 3, [True, True, False], [False, True, True], [False, True, False]])
    found = kept(gains, alive=alive, least=least)
    if found is not None:
        assert (np.array(found).sum(axis=1) >= np.minimum(alive.sum(axis=1), least)).all()
        assert np.array(found)[:, 1:].any(axis=1).all()


def test_one_at_a_time_the_furthest_behind_first_and_then_the_dearest_of_equals():
    far = [spread(0.0, 0.05, 0.20)]
    assert kept(far, at_once=1) == [[False, True, True]]
    equals = [spread(0.050, 0.050, 0.051)]
    assert kept(equals, tolerance=0.01, at_once=1) == [[True, True, False]]


def test_twins_that_hide_each_other_do_not_both_go():
    """Two entries do the same: neither is missed until the other has gone."""
    alive = np.ones((1, 3), dtype=bool)

    def measure(living):
        found = np.zeros((1, 3, 4))
        if living[0].tolist() == [True, True, False]:
            found[0, 1] = 0.5
        return found + 1e-6 * np.arange(4)

    criterion = AuditRacing(measure, COSTS, SURE, tolerance=0.01, forbidden=0)
    first = criterion.decide(history(alive)).keep
    assert first.tolist() == [[True, True, False]]
    assert criterion.decide(history(first)).keep.tolist() == [[False, True, False]]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"tolerance": -1.0}, "tolerance"),
        ({"warmup_epochs": -1}, "warmup"),
        ({"least": 0}, "least"),
        ({"at_once": 0}, "at_once"),
    ],
)
def test_numbers_out_of_range_are_named(options, named):
    with pytest.raises(ValueError, match=named):
        AuditRacing(lambda alive: alive, COSTS, SURE, **options)


def loss_function(prediction, label):
    return torch.nn.functional.cross_entropy(prediction, label[:, 0].long())


def losses_of(network, patients=6):
    generator = torch.Generator().manual_seed(2)
    images = torch.rand(patients, 1, 16, 16, generator=generator)
    rows = {f"p{row}": slice(row, row + 1) for row in range(patients)}
    return PatientLosses(
        network, [PatientBatch(images, (images > 0.5).float(), rows)], loss_function
    )


@pytest.mark.parametrize("separate", [True, False])
def test_gains_stand_where_the_groups_expect_them(make_search, separate):
    network = make_search(network_options={"separate_levels": separate, "num_nodes": 2}).network
    with torch.no_grad():
        for cell in skip_modules(network.backbone):
            cell.scale.normal_()
    losses = losses_of(network)
    alive = network.alive.numpy().copy()
    alive[0, 0] = [False, True, False]
    network.prune(torch.from_numpy(alive))
    operations = OperationGains(losses)(alive.reshape(-1, 3)).reshape(*alive.shape, -1)
    assert np.isnan(operations[0, 0, 1:]).all()
    assert (operations[..., 0, :] == 0).all()
    assert np.isfinite(operations[0, 1:]).all()
    inputs = np.array([[True, True, False], [True, True, True]] * len(alive))
    edges = EdgeGains(losses)(inputs)
    assert np.isnan(edges[::2, 2]).all()
    assert np.isfinite(edges[inputs]).all()
    assert (abs(edges[inputs]).max(axis=1) > 0).all()


def test_a_search_by_audit_ends_decided_on_the_cheapest_of_equals(make_search):
    search = make_search(epochs=6)
    losses = losses_of(search.network)
    confidence = Confidence(0.05, 100)
    # What does not matter within this tolerance is everything, so costs alone decide.
    racing = {"confidence": confidence, "tolerance": 10.0, "warmup_epochs": 1}
    search.handler.criterion = AuditRacing(OperationGains(losses), COSTS, forbidden=0, **racing)
    search.handler.edge_criterion = AuditRacing(EdgeGains(losses), COSTS, least=2, **racing)
    search.run()
    space = search.network.space
    alive = search.network.alive.numpy()
    assert is_decided(space, alive)
    assert len(search.trace) == 3
    assert {space.operations[c] for c in alive.nonzero()[2]} == {"skip_connect"}
    assert losses.passes > 0


def test_the_schedules_still_hold_for_criteria_without_reasons(make_search, always_stable):
    search = make_search(epochs=3, criterion=always_stable(1)).run()
    assert search.handler.edge_criterion is search.handler.criterion
    assert search.handler.decided

"""A pruned search: modules and optimizer shrink, and it ends when one cell is left."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ignite.engine import Events

from iac_components.search import (
    Decision,
    JensenShannonStability,
    SearchTrace,
    StabilityPruningHandler,
    save_found_genotype,
)
from iac_components.search.stability_pruning.pruning import is_decided
from iac_components.search_space import load_genotype
from iac_components.visualization import pruning_events


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_pruned_search_ends_decided(make_search, always_stable, tmp_path):
    search = make_search(tmp_path, epochs=20, criterion=always_stable(2))
    sizes, living = [count(search.network)], []

    @search.trainer.on(Events.EPOCH_COMPLETED)
    def measure(engine):
        sizes.append(count(search.network))
        living.append(int(search.network.architecture.alive.sum()))
        held = [p for group in search.optimizer.param_groups for p in group["params"]]
        assert {id(p) for p in held} == {id(p) for p in search.network.weight_parameters()}
        assert {id(p) for p in search.optimizer.state} <= {id(p) for p in held}

    search.run()
    # Epoch 1 too soon, 2: three operations to two and three edges to two, 3: two to one.
    assert len(search.trace) == search.trainer.state.epoch == 3
    assert living == [15, 8, 4]
    assert sizes[0] == sizes[1] > sizes[2] >= sizes[3]
    assert search.handler.decided
    assert is_decided(search.network.space, search.network.architecture.alive.numpy())
    assert len(search.losses) == 6
    trace = SearchTrace.read(tmp_path / "search_trace.csv")
    assert trace.active.sum(axis=(1, 2)).tolist() == living
    assert {event.epoch for event in pruning_events(trace)} == {2, 3}
    with torch.no_grad():
        assert torch.isfinite(search.network(torch.rand(1, 1, 16, 16))).all()


@pytest.mark.parametrize("separate", [True, False])
def test_levels_are_pruned_each(make_search, always_stable, separate):
    search = make_search(
        epochs=9, criterion=always_stable(1), network_options={"separate_levels": separate}
    ).run()
    assert search.network.space.levels == (4 if separate else 1)
    assert search.handler.decided
    assert len(search.trace) == 2


def test_empty_schedules_prune_nothing(make_search, always_stable):
    search = make_search(epochs=3, criterion=always_stable(1), keep_schedule=(), edge_schedule=())
    size = count(search.network)
    search.run()
    assert len(search.trace) == search.trainer.state.epoch == 3
    assert count(search.network) == size
    assert search.network.architecture.alive.all()
    assert not search.handler.decided


def test_nothing_is_pruned_while_alphas_rest(make_search):
    """The real criterion, in a search that is all warm-up: nothing has moved from uniform."""
    criterion = JensenShannonStability(0.5, False, 1, 1, 0, 1e-4)
    search = make_search(epochs=4, warmup_epochs=4, criterion=criterion).run()
    assert search.network.architecture.alive.all()


class NotedHistory:
    """Keeps what it was asked, and calls the first group of operations stable once."""

    def __init__(self):
        self.seen = []

    def decide(self, history):
        self.seen.append(history)
        stable = np.zeros(len(history.alive), dtype=bool)
        if len(history.probabilities) == 2 and history.probabilities.shape[1] == 5:
            stable[0] = True
        return Decision(stable, np.full(len(stable), 0.25))


def test_criterion_is_asked_about_edges_then_nodes(make_search):
    criterion = NotedHistory()
    search = make_search(epochs=3, criterion=criterion).run()
    shapes = [history.probabilities.shape for history in criterion.seen]
    assert shapes == [(t, groups, 3) for t in (1, 2, 3) for groups in (5, 2)]
    alive = search.network.architecture.alive[0]
    assert alive.sum(dim=-1).tolist() == [2, 3, 3, 3, 3]
    assert criterion.seen[4].since.tolist() == [2, 0, 0, 0, 0]
    # p is the mean over the steps of the epoch, of distributions that sum to one.
    first = criterion.seen[0].probabilities[0]
    assert first.sum(axis=-1) == pytest.approx(np.ones(5), abs=1e-6)
    assert search.trace.state_dict()["divergence"].unique().tolist() == [0.25]


def test_importance_is_the_mean_over_the_epoch_s_steps(make_search):
    search = make_search(epochs=1, batches=3, keep_schedule=(), edge_schedule=())
    weights = []

    @search.trainer.on(Events.ITERATION_COMPLETED)
    def note(engine):
        with torch.no_grad():
            weights.append([w.double().numpy() for w in search.network.architecture()])

    search.run()
    for found, expected in zip(search.trace.last(), zip(*weights, strict=True), strict=True):
        assert found == pytest.approx(np.mean(expected, axis=0), abs=1e-12)
    assert not np.array_equal(weights[0][0], weights[2][0])


def test_seconds_are_the_epoch_s(make_search, monkeypatch):
    """From the start of an epoch to its end, by a clock that moves when it is looked at."""
    clock = SimpleNamespace(perf_counter=itertools.count(start=7.0, step=2.5).__next__)
    monkeypatch.setattr("iac_components.search.stability_pruning.stability_handler.time", clock)
    search = make_search(epochs=2, keep_schedule=(), edge_schedule=()).run()
    assert search.trace.state_dict()["seconds"].tolist() == [2.5, 2.5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep_schedule": (1, 2)}, "keep_schedule must fall strictly to 1"),
        ({"keep_schedule": (1, 0)}, "keep_schedule must fall strictly to 1"),
        ({"edge_schedule": (3, 1)}, "edge_schedule must fall strictly to 2"),
    ],
)
def test_bad_schedule(options, message):
    with pytest.raises(ValueError, match=message):
        StabilityPruningHandler(None, None, None, **options)


class Keeps:
    """From an epoch on, nodes (rows of the mask) keep these inputs."""

    def __init__(self, mask, epoch):
        self.mask, self.epoch = np.asarray(mask), epoch

    def decide(self, history):
        epochs, groups = history.probabilities.shape[:2]
        stable = np.full(groups, epochs >= self.epoch)
        return Decision(stable, np.full(groups, np.nan), self.mask & history.alive)


@pytest.mark.parametrize("inputs", [[[0, 0, 0], [1, 0, 1]], [[1, 1, 0], [0, 0, 0]]])
def test_a_node_without_inputs_goes_and_the_search_goes_on_without_it(
    make_search, always_stable, tmp_path, inputs
):
    """Node 0 takes along what it gave to node 1; the rest decides later."""
    nodes = Keeps(np.array(inputs, dtype=bool), 2)
    search = make_search(tmp_path, epochs=9, criterion=always_stable(4))
    search.handler.edge_criterion = nodes
    size = count(search.network)
    search.run()
    assert len(search.trace) == 5
    left = 0 if any(inputs[0]) else 1
    trace = SearchTrace.read(tmp_path / "search_trace.csv")
    edges = trace.active.any(axis=-1).reshape(5, -1)
    assert edges.sum(axis=-1).tolist() == [5] + [2 if left == 0 else 1] * 4
    assert count(search.network) < size
    held = {id(p) for group in search.optimizer.param_groups for p in group["params"]}
    assert held == {id(p) for p in search.network.weight_parameters()}
    found = save_found_genotype(
        tmp_path / "genotype.json", search.network, trace=search.trace, settings={}
    )
    assert [node.node for node in found.nodes] == [left]
    assert load_genotype(tmp_path / "genotype.json") == found
    assert search.handler.decided


def test_search_that_loses_everything_ends(make_search, tmp_path):
    search = make_search(tmp_path, epochs=9)
    search.handler.edge_criterion = Keeps(np.zeros((2, 3), dtype=bool), 2)
    search.run()
    assert len(search.trace) == 2
    found = save_found_genotype(
        tmp_path / "genotype.json", search.network, trace=search.trace, settings={}
    )
    assert found.nodes == ()
    assert search.network.treatments.tolist() == [1] * 4

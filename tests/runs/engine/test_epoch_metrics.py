"""Means of an epoch's losses, and nothing of the epoch before."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Engine, Events
from monai.handlers import from_engine

from iac_components.engine.epoch_metrics import EpochMetrics


def run(outputs, describe=None):
    """Metrics after each epoch of a run whose steps give ``outputs``, epoch by epoch."""
    steps = iter([output for epoch in outputs for output in epoch])
    engine = Engine(lambda engine, batch: next(steps))
    EpochMetrics(describe).attach(engine)
    seen = []
    engine.add_event_handler(Events.EPOCH_COMPLETED, lambda e: seen.append(dict(e.state.metrics)))
    engine.run(range(len(outputs[0])), max_epochs=len(outputs))
    return seen


def output(loss, **others):
    return {"image": torch.zeros(2), "loss": torch.tensor(loss, requires_grad=True), **others}


def test_each_epoch_has_its_own_mean():
    assert run([[output(1.0), output(2.0)], [output(5.0), output(7.0)]]) == [
        {"loss": 1.5},
        {"loss": 6.0},
    ]


def test_a_loss_that_not_every_step_has():
    step = output(1.0, architecture_loss=torch.tensor(4.0))
    (metrics,) = run([[output(3.0), step]])
    assert metrics == {"loss": 2.0, "architecture_loss": 4.0}


def test_further_numbers():
    counts = iter([40, 25])
    seen = run([[output(1.0)], [output(1.0)]], lambda: {"living_operations": next(counts)})
    assert [metrics["living_operations"] for metrics in seen] == [40, 25]


def test_learning_rates_are_those_of_the_epoch():
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(3)]
    engine = Engine(lambda engine, batch: output(1.0))
    engine.optimizer = torch.optim.SGD(
        [{"params": weights[:1], "lr": 0.5}, {"params": weights[1:2], "lr": 0.25}], lr=1.0
    )
    engine.architecture_optimizer = torch.optim.SGD(weights[2:], lr=0.125)
    EpochMetrics().attach(engine)
    engine.run([0])
    rates = {"learning_rate_0": 0.5, "learning_rate_1": 0.25, "architecture_learning_rate": 0.125}
    assert engine.state.metrics == {"loss": 1.0, **rates}
    engine.optimizer.param_groups[1]["lr"] = 0.5
    engine.state.metrics.clear()
    engine.run([0])
    assert engine.state.metrics["learning_rate"] == 0.5


def test_graphs_are_not_kept():
    handler = EpochMetrics()
    engine = Engine(lambda engine, batch: output(1.0))
    handler.attach(engine)
    engine.run([0])
    assert not handler._losses["loss"][0].requires_grad
    assert engine.state.metrics["loss"] == pytest.approx(1.0)


def test_trackers_of_monai_find_the_loss_of_a_step():
    engine = Engine(lambda engine, batch: output(float(batch)))
    EpochMetrics().attach(engine)
    seen = []
    read = from_engine(["loss"], first=True)
    engine.add_event_handler(
        Events.ITERATION_COMPLETED, lambda e: seen.append(read(e.state.output).item())
    )
    engine.run([1, 2])
    assert seen == [1.0, 2.0]

"""A trainer that is run again begins its schedule anew."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Engine, Events
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau

from iac_components.engine import RunCheckpoints
from iac_components.engine.stacks.round_rates import RoundRates


@pytest.fixture
def training():
    """An engine of one step an epoch, its rates as they are used, and what they come from."""
    network = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    rates: list[float] = []

    def step(engine, batch):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()

    return Engine(step), rates, optimizer, network


def run_round(engine, epochs):
    """As MonaiAlgo does."""
    engine.state.max_epochs = engine.state.epoch + epochs
    engine.run([0])


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_each_round_has_the_rates_of_the_first(training, tmp_path, epochs):
    engine, rates, optimizer, network = training
    scheduler = CosineAnnealingLR(optimizer, T_max=epochs)
    engine.add_event_handler(Events.EPOCH_COMPLETED, lambda _: scheduler.step())
    RunCheckpoints(tmp_path, {"network": network, "lr_scheduler": scheduler}).attach(engine)
    engine.state.epoch = 0
    engine.state.max_epochs = epochs
    engine.run([0], max_epochs=epochs)
    for _ in range(2):
        run_round(engine, epochs)
    assert len(rates) == 3 * epochs
    assert rates[:epochs] == rates[epochs : 2 * epochs] == rates[2 * epochs :]
    assert rates[0] == 0.5
    assert min(rates) > 0
    assert optimizer.param_groups[0]["lr"] == 0


def test_a_schedule_that_looks_at_the_score_goes_on(training, tmp_path):
    _, _, optimizer, network = training
    schedule = ReduceLROnPlateau(optimizer)
    stack = RunCheckpoints(tmp_path, {"network": network, "lr_scheduler": schedule})
    assert not [handler for handler in stack.handlers if isinstance(handler, RoundRates)]

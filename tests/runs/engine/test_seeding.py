"""Randomness is a function of seed and epoch, whatever came before."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Engine, Events
from torch.utils.data import DataLoader, RandomSampler

from iac_components.engine import EpochSeeding


def run(epochs, *, seed=0, start=0, noise=0, epoch_length=None, shuffle=True):
    """Batches and dropout-like draws of each epoch."""
    torch.manual_seed(noise)
    loader = DataLoader(torch.arange(6), batch_size=2, shuffle=shuffle)
    engine = Engine(lambda engine, batch: (batch.tolist(), torch.rand(1).item()))
    EpochSeeding([loader], seed=seed).attach(engine)
    seen = {}

    @engine.on(Events.STARTED)
    def go_on(engine):
        engine.state.epoch, engine.state.iteration = start, start * (epoch_length or 3)

    @engine.on(Events.ITERATION_COMPLETED)
    def note(engine):
        seen.setdefault(engine.state.epoch, []).append(engine.state.output)

    engine.run(loader, max_epochs=epochs, epoch_length=epoch_length)
    return seen


def test_epochs_differ_and_repeat():
    first, again = run(3), run(3, noise=99)
    assert first == again
    assert first[1] != first[2] != first[3]
    assert sorted(n for batch, _ in first[2] for n in batch) == list(range(6))


def test_seeds_differ():
    assert run(2)[1] != run(2, seed=1)[1]
    assert run(1, seed=1)[1] != run(2)[2]


@pytest.mark.parametrize("start", [1, 2, 3])
def test_later_start_draws_the_same(start):
    whole = run(4)
    assert run(4, start=start, noise=5) == {e: whole[e] for e in range(start + 1, 5)}


@pytest.mark.parametrize("epoch_length", [1, 2, 5])
def test_epoch_of_another_length_than_the_loader(epoch_length):
    whole = run(4, epoch_length=epoch_length)
    assert [len(whole[e]) for e in whole] == [epoch_length] * 4
    assert run(4, start=2, epoch_length=epoch_length, noise=1) == {3: whole[3], 4: whole[4]}


def test_samplers_and_datasets_take_part_before_the_epoch_s_first_batch():
    log = []

    class Noted(torch.utils.data.Dataset):
        def set_epoch(self, epoch):
            log.append(("dataset", epoch))

        def __len__(self):
            return 2

        def __getitem__(self, index):
            log.append("item")
            return index

    class Sampler(RandomSampler):
        def set_epoch(self, epoch):
            log.append(("sampler", epoch))

    dataset = Noted()
    loader = DataLoader(dataset, sampler=Sampler(dataset))
    engine = Engine(lambda engine, batch: None)
    EpochSeeding([loader]).attach(engine)
    engine.run(loader, max_epochs=2)
    assert log == [
        ("dataset", 1),
        ("sampler", 1),
        "item",
        "item",
        ("dataset", 2),
        ("sampler", 2),
        "item",
        "item",
    ]

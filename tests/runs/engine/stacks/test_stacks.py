"""Handlers that belong together are attached together, in their order."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from iac_components.engine import (
    EpochMetrics,
    EpochSeeding,
    FinalModel,
    NonFiniteGuard,
    ResumableCheckpoint,
    RunCheckpoints,
    RunProgress,
    StepHandlers,
    SynchronizedGradients,
)


class Supernet(nn.Linear):
    """Has what a supernet has."""

    def __init__(self):
        super().__init__(1, 1)
        self.register_buffer("alive", torch.tensor([True, True, False]))

    def describe(self):
        return {"living": "2"}


class Engine:
    """Notes what is attached to it."""

    def __init__(self):
        self.events = []

    def add_event_handler(self, event, handler, *arguments):
        self.events.append(handler)


def test_steps_of_a_training():
    stack = StepHandlers(nn.Linear(1, 1), [], seed=7, patience=3)
    kinds = [EpochSeeding, SynchronizedGradients, NonFiniteGuard, RunProgress, EpochMetrics]
    assert [type(handler) for handler in stack.handlers] == kinds
    assert stack.handlers[0].seed == 7
    assert stack.handlers[2].patience == 3
    assert stack.handlers[3].describe() == stack.handlers[4].describe() == {}


def test_steps_of_a_search_tell_what_lives():
    stack = StepHandlers(Supernet(), [])
    assert stack.handlers[3].describe() == {"living": "2"}
    assert stack.handlers[4].describe() == {"living_operations": 2}


def test_a_run_may_have_no_bar():
    assert not [
        h for h in StepHandlers(nn.Linear(1, 1), [], bar=False).handlers if type(h) is RunProgress
    ]


def test_every_member_is_attached():
    engine = Engine()
    StepHandlers(nn.Linear(1, 1), []).attach(engine)
    assert {type(getattr(handler, "__self__", handler)) for handler in engine.events} == {
        *(EpochSeeding, SynchronizedGradients, NonFiniteGuard, RunProgress, EpochMetrics)
    }


def test_checkpoints_of_a_training_and_its_weights(tmp_path):
    network = nn.Linear(1, 1)
    stack = RunCheckpoints(
        tmp_path / "out",
        {"network": network},
        ckpt_dir=tmp_path / "models",
        results=["metrics.csv"],
        every=3,
        resume=True,
    )
    final, checkpoint = stack.handlers
    assert (type(final), type(checkpoint)) == (FinalModel, ResumableCheckpoint)
    assert final.path == tmp_path / "models" / "model_final.pt"
    assert final.network is network
    assert checkpoint.directory == tmp_path / "out" / "checkpoints"
    assert (checkpoint.every, checkpoint.keep, checkpoint.resume) == (3, 2, True)
    weights = [tmp_path / "models" / name for name in ("model.pt", "model_final.pt")]
    assert list(checkpoint.results) == [*weights, tmp_path / "out" / "metrics.csv"]


def test_checkpoints_of_a_search_write_no_weights(tmp_path):
    (checkpoint,) = RunCheckpoints(tmp_path, {"network": Supernet()}).handlers
    assert type(checkpoint) is ResumableCheckpoint
    with pytest.raises(ValueError, match="every and keep must be at least 1"):
        RunCheckpoints(tmp_path, {"network": Supernet()}, every=0)

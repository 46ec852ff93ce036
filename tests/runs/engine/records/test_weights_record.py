"""Weights say which run they are of, and a test on another fold than theirs is no secret."""

from __future__ import annotations

import hashlib

import pytest
import torch
from torch import nn

from iac_components.engine import FinalModel, RunRecord, weights_record

FOLDS = {"dataset_name": "acdc", "fold": 0, "split_seed": 0}


@pytest.fixture
def weights(make_trainer, tmp_path):
    """The final weights of a training with these options."""

    def train(options):
        path = tmp_path / "model_final.pt"
        trainer = make_trainer(epochs=2)
        FinalModel(path, trainer.network, record=RunRecord(options=options)).attach(trainer)
        trainer.run()
        return path

    return train


def test_weights_of_this_fold(weights, caplog):
    path = weights({**FOLDS, "seed": 3})
    caplog.clear()
    found = weights_record(path, folds=FOLDS)
    assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found["run"]["options"]["seed"] == 3
    assert found["run"]["epoch"] == 2
    assert found["trained_for_this_fold"] is True
    assert not caplog.records


@pytest.mark.parametrize(("name", "value"), [("fold", 1), ("split_seed", 7)])
def test_weights_of_another_fold(weights, caplog, name, value):
    path = weights({**FOLDS, name: value})
    caplog.clear()
    assert weights_record(path, folds=FOLDS)["trained_for_this_fold"] is False
    (line,) = [record.getMessage() for record in caplog.records]
    assert f"trained with {name} {value}, and are tested with {name} 0" in line
    assert f"--{name} {value}" in line


def test_weights_of_another_data_set(weights, caplog):
    path = weights({**FOLDS, "dataset_name": "brats"})
    caplog.clear()
    assert weights_record(path, folds=FOLDS)["trained_for_this_fold"] is None
    assert not caplog.records


@pytest.mark.parametrize("content", [None, b"", b"text", "state"])
def test_weights_of_another_origin(tmp_path, content):
    path = tmp_path / "model.pt"
    if content == "state":
        torch.save(nn.Linear(1, 1).state_dict(), path)
    elif content is not None:
        path.write_bytes(content)
    found = weights_record(path, folds=FOLDS)
    assert (found["run"], found["trained_for_this_fold"]) == (None, None)
    assert (found["sha256"] is None) == (content is None)

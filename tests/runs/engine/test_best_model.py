"""The best weights are kept, NaN is never best, and the final weights are written."""

from __future__ import annotations

import math

import pytest
import torch
from ignite.engine import Engine, Events
from torch import nn

from iac_components.engine import BestModel, BestScore, FinalModel

NAN, INF = math.nan, math.inf


def validate(path, values, best=None, metric="dice"):
    """Run an evaluator for each value; the weights hold the number of the run."""
    network, best = nn.Linear(1, 1), best or BestScore()
    handler = BestModel(path, network, metric_name=metric, best=best)
    evaluator = Engine(lambda engine, batch: None)
    handler.attach(evaluator)
    for number, value in enumerate(values):
        nn.init.constant_(network.weight, number)
        evaluator.state.metrics = {"dice": value}
        evaluator.run([0])
    return best


def kept(path):
    return torch.load(path, weights_only=True)["model"]["weight"].item()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.1, 0.3, 0.2], 1),
        ([NAN, 0.1, NAN], 1),
        ([0.2, NAN, INF], 0),
        ([INF, -INF, 0.0], 2),
        ([-5.0, -7.0], 0),
        ([0.4, 0.4], 0),
        ([torch.tensor(0.1), torch.tensor(0.2)], 1),
    ],
)
def test_best_is_kept(tmp_path, values, expected):
    validate(tmp_path / "model.pt", values)
    assert kept(tmp_path / "model.pt") == expected


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_nothing_is_written_for_no_number(tmp_path, value):
    best = validate(tmp_path / "model.pt", [value])
    assert list(tmp_path.iterdir()) == []
    assert best.value == -INF


def test_a_file_that_no_score_lets_be_written_is_told(tmp_path, caplog):
    """Healthy cases on which nothing is predicted have no Dice."""
    path = tmp_path / "model.pt"
    validate(path, [NAN])
    assert f"'{path}' is written by the first validation whose score is a number" in caplog.text
    assert "model_final.pt" in caplog.text
    caplog.clear()
    validate(path, [0.1, NAN, 0.05])
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_resumed_score_is_to_be_beaten(tmp_path):
    first = validate(tmp_path / "model.pt", [0.5])
    best = BestScore()
    best.load_state_dict(first.state_dict())
    validate(tmp_path / "model.pt", [0.1, 0.4], best)
    assert kept(tmp_path / "model.pt") == 0
    validate(tmp_path / "model.pt", [0.1, 0.6], best)
    assert kept(tmp_path / "model.pt") == 1


def test_unknown_metric_lists_those_there_are(tmp_path):
    with pytest.raises(KeyError, match=r"no metric 'hd95', only \['dice'\]"):
        validate(tmp_path / "model.pt", [0.1], metric="hd95")


def test_final_weights(tmp_path):
    network = nn.Linear(1, 1)
    trainer = Engine(lambda engine, batch: None)
    FinalModel(tmp_path / "final.pt", network).attach(trainer)
    trainer.add_event_handler(
        Events.EPOCH_COMPLETED, lambda e: nn.init.constant_(network.weight, e.state.epoch)
    )
    trainer.run([0], max_epochs=3)
    assert kept(tmp_path / "final.pt") == 3

"""Names, lengths and numbers of rows as MLflow takes them; what is there stays."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from iac_components.configs.tracking.mlflow_tracker import MlflowTracker


class Client:
    """Keeps what it is told, as MLflow's would."""

    def __init__(self, **known):
        self.known, self.parameters, self.metrics, self.artifacts = known, [], [], []

    def get_run(self, run):
        return SimpleNamespace(data=SimpleNamespace(params=self.known))

    def log_batch(self, run, params=(), metrics=()):
        self.parameters += [params] if params else []
        self.metrics += [metrics] if metrics else []

    def log_artifact(self, run, file):
        self.artifacts.append((run, file))


@pytest.fixture
def tracker(monkeypatch):
    """Return a function that gives a tracker whose run knows some parameters; closed at once."""
    entities = ModuleType("mlflow.entities")
    entities.Param = lambda key, value: (key, value)
    entities.Metric = lambda key, value, timestamp, step: (key, value, step)
    monkeypatch.setitem(sys.modules, "mlflow", ModuleType("mlflow"))
    monkeypatch.setitem(sys.modules, "mlflow.entities", entities)

    def make(**known):
        run = SimpleNamespace(info=SimpleNamespace(run_id="r"))
        return MlflowTracker(SimpleNamespace(client=Client(**known), cur_run=run))

    return make


def test_names_and_values(tracker):
    found = tracker(seed="1")
    found.begin({"loss#_target_": "Dice", "part 'train'": "x" * 7000, "seed": 2})
    ((first, second),) = found.handler.client.parameters
    assert first == ("loss._target_", "Dice")
    assert second == ("part train", "x" * 6000)


def test_batches(tracker):
    found = tracker()
    found.begin({f"name{number}": number for number in range(250)})
    found.write_numbers({f"name{number}": 0.5 for number in range(1001)}, epoch=3)
    assert [len(batch) for batch in found.handler.client.parameters] == [100, 100, 50]
    assert [len(batch) for batch in found.handler.client.metrics] == [1000, 1]
    assert found.handler.client.metrics[1] == [("name1000", 0.5, 3)]


def test_files_follow_a_run_that_has_ended(tracker, tmp_path):
    found = tracker()
    found.begin({})
    found.handler.cur_run = None
    found.add_files([tmp_path / "a.json"], epoch=1)
    assert found.handler.client.artifacts == [("r", str(tmp_path / "a.json"))]

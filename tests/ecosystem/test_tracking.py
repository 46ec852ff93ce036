"""MLflow by ``--tracking mlflow``, TensorBoard by the override file of each bundle."""

from __future__ import annotations

import json

import pytest
from monai.handlers import tensorboard_handlers

MLFLOW = "experiment tracking is optional: pip install mlflow"
TENSORBOARD = "TensorBoard is optional: pip install tensorboard"
LOGGED = {
    "search": {"loss", "architecture_loss", "living_operations"},
    "train": {"loss", "val_mean_dice"},
}
both_stages = pytest.mark.parametrize("stage", LOGGED)


@pytest.fixture
def options(tmp_path):
    """Return a function that gives the options of a stage that writes here alone."""

    def make(stage):
        folders = {"output_dir": str(tmp_path / "out"), "folds_file": str(tmp_path / "folds.json")}
        if stage == "train":
            folders |= {"skip_module": "plain", "ckpt_dir": str(tmp_path / "models")}
        else:
            folders |= {"save_result#pictures": False, "epochs": 2}
        return folders

    return make


@both_stages
def test_mlflow(hippocampus, options, stage, tmp_path):
    mlflow = pytest.importorskip("mlflow", reason=MLFLOW)
    workflow = hippocampus.run(stage, {**options(stage), "tracking": "mlflow"})
    client = mlflow.MlflowClient(workflow.parser.get_parsed_content("tracking_uri"))
    (experiment,) = client.search_experiments(filter_string="name = 'monai_experiment'")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.metrics.keys() >= LOGGED[stage]
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [point.step for point in history] == [1, 2]
    # The config as it was run is kept beside the numbers.
    (saved,) = (tmp_path / "out").glob("config_*.json")
    assert json.loads(saved.read_text(encoding="utf-8"))["dataset_name"] == "hippocampus"


@both_stages
def test_tensorboard(hippocampus, options, stage, tmp_path):
    pytest.importorskip("tensorboard", reason=TENSORBOARD)
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    hippocampus.run(stage, options(stage), "tensorboard")
    events = sorted((tmp_path / "out" / "tensorboard").glob("events.*"))
    found = EventMultiplexer({str(path): str(path) for path in events}).Reload()
    steps = {
        tag: [event.step for event in found.Scalars(run, tag)]
        for run, tags in found.Runs().items()
        for tag in tags["scalars"]
    }
    assert steps == {tag: [1, 2] for tag in LOGGED[stage]}


@both_stages
def test_without_tensorboard_the_remedy_is_named(hippocampus, options, stage, monkeypatch):
    monkeypatch.setattr(tensorboard_handlers, "_tb_available", False)
    with pytest.raises(RuntimeError) as caught:
        hippocampus.run(stage, options(stage), "tensorboard")
    causes = [caught.value]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    assert any("pip install tensorboard" in str(cause) for cause in causes)

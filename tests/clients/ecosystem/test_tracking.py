"""MLflow by ``--tracking mlflow``, TensorBoard by the override file of each bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from monai.handlers import tensorboard_handlers

from iac_components.search import SearchTrace

MLFLOW = "experiment tracking is optional: pip install mlflow"
TENSORBOARD = "TensorBoard is optional: pip install tensorboard"
LOGGED = {
    "search": {
        *("loss", "architecture_loss", "living_operations"),
        *("learning_rate", "architecture_learning_rate"),
    },
    "train": {"loss", "learning_rate", "val_mean_dice"},
}
PICTURES = {"cell", "divergence_curves", "probability_curves", "top_k", "effects", "effect_curves"}
FILES = {
    "search": {"genotype.json", "search_trace.csv", "top_k.json", "folds.json"},
    "train": {"network.json", "folds.json"},
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
            folders |= {"epochs": 2}
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
    # All settings: options, places, arguments of components, digests.
    settings = run.data.params
    assert settings["dataset_name"] == "hippocampus"
    assert settings["output_dir"] == str(tmp_path / "out")
    assert settings["loss._target_"] == "DiceCELoss"
    record = workflow.parser.get_parsed_content("run_record")
    assert settings["digest of the run"] == record.digest
    assert settings["part train of the data" if stage == "train" else "part weights of the data"]
    assert (
        f"version of torch {torch.__version__}"
        == f"version of torch {settings['version of torch']}"
    )
    kept = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert kept >= FILES[stage]
    assert {name for name in PICTURES if f"{name}.png" in kept} >= (
        {"cell", "probability_curves"} if stage == "search" else set()
    )
    copy = mlflow.artifacts.download_artifacts(
        run_id=run.info.run_id,
        artifact_path="folds.json",
        dst_path=str(tmp_path / "read"),
        tracking_uri=workflow.parser.get_parsed_content("tracking_uri"),
    )
    assert Path(copy).read_bytes() == (tmp_path / "folds.json").read_bytes()


@both_stages
def test_tensorboard(hippocampus, options, stage, tmp_path):
    pytest.importorskip("tensorboard", reason=TENSORBOARD)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    hippocampus.run(stage, options(stage), "tensorboard")
    # A log has a file for each handler; each is read as TensorBoard itself does.
    logs = [
        EventAccumulator(str(file), size_guidance={"scalars": 0, "images": 0}).Reload()
        for file in sorted((tmp_path / "out" / "tensorboard").glob("events.*"))
    ]
    steps = {
        tag: [event.step for event in log.Scalars(tag)]
        for log in logs
        for tag in log.Tags()["scalars"]
    }
    own = {tag for tag in steps if "/" not in tag}
    assert {tag: steps[tag] for tag in own} == {tag: [1, 2] for tag in LOGGED[stage]}
    pictures = {tag for log in logs for tag in log.Tags()["images"]}
    texts = {tag for log in logs for tag in log.Tags()["tensors"]}
    assert "settings/text_summary" in texts
    if stage == "search":
        trace = SearchTrace.read(tmp_path / "out" / "search_trace.csv")
        for tag in (tag for tag in steps if tag.startswith("probability/")):
            _, level, node, entry, operation = tag.split("/")
            edge = (int(level.removeprefix("level_")), int(node.removeprefix("node_")), entry)
            row, column = trace.edges.index(edge), trace.operations.index(operation)
            (values,) = (
                [e.value for e in log.Scalars(tag)] for log in logs if tag in log.Tags()["scalars"]
            )
            assert values[0] == pytest.approx(trace.probability[0, row, column], abs=1e-6)
        assert (
            len([tag for tag in steps if tag.startswith("probability/")])
            == trace.probability[0].size
        )
        assert {"cell", "probability_curves"} <= pictures <= PICTURES
    else:
        assert own == set(steps)


@both_stages
def test_without_tensorboard_the_remedy_is_named(hippocampus, options, stage, monkeypatch):
    monkeypatch.setattr(tensorboard_handlers, "_tb_available", False)
    with pytest.raises(RuntimeError) as caught:
        hippocampus.run(stage, options(stage), "tensorboard")
    causes = [caught.value]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    assert any("pip install tensorboard" in str(cause) for cause in causes)

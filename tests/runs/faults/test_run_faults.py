"""Folders that cannot be written, and losses that are no numbers."""

from __future__ import annotations

import pytest
import torch


@pytest.mark.parametrize("stage", ["search", "train", "inference"])
def test_output_folder_is_a_file(failure, hippocampus, tmp_path, stage):
    path = tmp_path / "results"
    path.write_text("precious", encoding="utf-8")
    options = {"output_dir": str(path), "folds_file": str(tmp_path / "folds.json")}
    if stage == "inference":
        options = {"output_dir": str(path), "skip_module": "plain"}
        options["dataset_dir"] = str(hippocampus.phantom / "imagesTr")
    message = failure(stage, options)
    assert str(path) in message
    assert "--output_dir" in message
    assert path.read_text(encoding="utf-8") == "precious"


def test_evaluation_folder_is_a_file(failure, tmp_path):
    path = tmp_path / "results"
    path.write_text("precious", encoding="utf-8")
    options = {"output_dir": str(path), "folds_file": str(tmp_path / "folds.json")}
    message = failure("train", options, "evaluate")
    assert str(path) in message
    assert path.read_text(encoding="utf-8") == "precious"


def test_folder_of_the_weights_is_a_file(failure, tmp_path):
    path = tmp_path / "models"
    path.write_text("precious", encoding="utf-8")
    message = failure("train", {"ckpt_dir": str(path)})
    assert str(path) in message
    assert "--ckpt_dir" in message


def test_folder_of_the_folds_is_a_file(failure, tmp_path):
    path = tmp_path / "folder"
    path.write_text("precious", encoding="utf-8")
    message = failure("train", {"folds_file": str(path / "folds.json")})
    assert str(path) in message
    assert "--folds_file" in message


NAN_LOSS = "$lambda prediction, label: prediction.sum() * float('nan')"
# As of a network whose weights have run away.
HUGE_LOSS = "$lambda prediction, label: (prediction * 1e30).square().sum()"


@pytest.mark.parametrize("stage", ["search", "train"])
@pytest.mark.parametrize(
    "cause",
    [{"loss": NAN_LOSS}, {"loss": HUGE_LOSS}],
    ids=["loss is NaN", "loss is infinite"],
)
def test_loss_that_is_no_number_ends_the_run(failure, stage, cause):
    message = failure(stage, {**cause, "steps_per_epoch": 8})
    assert message.startswith("NonFiniteLossError: ")
    assert "lower the learning rate" in message


def test_a_few_bad_steps_are_skipped(hippocampus, tmp_path, monkeypatch):
    """A loss that is NaN now and then costs these steps, and no weight."""
    calls = []

    def loss(prediction, label):
        calls.append(1)
        return prediction.mean() * (float("nan") if len(calls) == 2 else 1.0)

    options = {"output_dir": str(tmp_path), "ckpt_dir": str(tmp_path), "skip_module": "plain"}
    hippocampus.run("train", {**options, "loss": loss})
    assert len(calls) == 4
    for name in ("model.pt", "model_final.pt"):
        state = torch.load(tmp_path / name, weights_only=True)["model"]
        assert all(bool(torch.isfinite(value).all()) for value in state.values())


def test_failure_late_in_a_run_keeps_what_was_written(hippocampus, failure, tmp_path):
    """The second epoch goes wrong: the weights of the first stay, whole and finite."""
    out = tmp_path / "run"
    folders = {"output_dir": str(out), "ckpt_dir": str(out), "skip_module": "plain"}
    calls = []

    def loss(prediction, label):
        calls.append(1)
        return prediction.square().mean() * (float("nan") if len(calls) > 6 else 1.0)

    options = {**folders, "loss": loss, "steps_per_epoch": 6, "epochs": 3}
    message = failure("train", options)
    assert message.startswith("NonFiniteLossError: ")
    assert "(epoch 2)" in message
    content = torch.load(out / "checkpoints" / "checkpoint_epoch=1.pt", weights_only=True)
    states = [torch.load(out / "model.pt", weights_only=True)["model"]]
    states.append(content["objects"]["network"])
    for state in states:
        assert all(bool(torch.isfinite(value).all()) for value in state.values())
    assert not (out / "model_final.pt").exists()


@pytest.mark.parametrize("num_workers", [0, 1])
def test_validation_image_vanishes_during_the_run(failure, dataset, tmp_path, num_workers):
    """Training reads its volumes at the start; those of validation are read each time."""
    image = dataset.image(part="validation")

    def loss(prediction, label):
        image.unlink(missing_ok=True)
        return prediction.square().mean()

    options = {"dataset_dir": str(dataset.folder), "loss": loss, "num_workers": num_workers}
    message = failure("train", {**options, "folds_file": str(tmp_path / "folds.json")})
    assert message.startswith(f"DatasetError: '{image}' does not exist: it was removed or changed")
    assert "\n" not in message

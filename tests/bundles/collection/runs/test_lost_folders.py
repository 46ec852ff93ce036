"""A run's folder is deleted while it runs."""

from __future__ import annotations

import shutil

import pytest

from iac_components.common.console.brief_errors import brief_message


def deleting(folder, result):
    """A loss, or a transform, that deletes a folder in its third call."""
    calls = []

    def call(*arguments):
        calls.append(1)
        if len(calls) == 3:
            shutil.rmtree(folder)
        return result(*arguments)

    return call


def message_of(run):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any error, if it is told well
        run()
    message = brief_message(caught.value)
    assert message is not None
    assert "\n" not in message
    return message


@pytest.mark.parametrize("option", ["output_dir", "ckpt_dir"])
def test_training(hippocampus, tmp_path, option):
    folders = {name: str(tmp_path / name) for name in ("output_dir", "ckpt_dir")}
    loss = deleting(folders[option], lambda prediction, _: prediction.square().mean())
    options = {"skip_module": "plain", "epochs": 2, "steps_per_epoch": 4, "val_interval": 1}
    message = message_of(
        lambda: hippocampus.run("train", {**options, **folders, "loss": {"_target_": lambda: loss}})
    )
    assert message.startswith(f"FolderLostError: {option} '{folders[option]}'")


def test_inference(hippocampus, tmp_path):
    images = hippocampus.phantom / "imagesTr"
    options = {"dataset_dir": str(images), "output_dir": str(tmp_path / "out")}
    delete = deleting(tmp_path / "out", lambda data: data)
    untrained = {
        "skip_module": "plain",
        "load_pretrain": False,
        "postprocessing#transforms#0": delete,
    }
    message = message_of(lambda: hippocampus.run("inference", {**options, **untrained}))
    assert message.startswith(f"FolderLostError: output_dir '{tmp_path / 'out'}'")

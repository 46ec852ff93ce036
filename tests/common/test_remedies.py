"""Advice after an error: only a run that has checkpoints is told to resume."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigWorkflow
from options_checks import LOCATOR, config_files

from iac_components.common.console.brief_errors import brief_message
from iac_components.common.files import write_text
from iac_components.common.ranks import average
from iac_components.data import CaseDataset

STAGES = [
    ("search", (), True),
    ("search", ("multi_gpu_search",), True),
    ("train", (), True),
    ("train", ("multi_gpu_train",), True),
    ("train", ("evaluate",), False),
    ("train", ("evaluate", "multi_gpu_evaluate"), False),
    ("inference", (), False),
]


def lose_a_rank():
    average([torch.ones(1)])


def fill_the_disk():
    raise OSError(errno.ENOSPC, "No space left on device")


def write_below_a_file():
    write_text(f"{__file__}/result.txt", "text")


def read_a_file_that_is_gone():
    dataset = CaseDataset([{"image": "gone.nii.gz"}], lambda item: Path(item["image"]).read_bytes())
    return dataset[0]


FAILURES = [fill_the_disk, write_below_a_file, read_a_file_that_is_gone, lose_a_rank]


@pytest.fixture
def torn(monkeypatch):
    """Two ranks, of which the other has ended."""

    def closed(tensor):
        raise RuntimeError("Connection closed by peer")

    monkeypatch.setattr("ignite.distributed.get_world_size", lambda: 2)
    monkeypatch.setattr("torch.distributed.all_reduce", closed)


@pytest.mark.parametrize("fail", FAILURES)
@pytest.mark.parametrize("method", ["unet_iac", "dints"])
@pytest.mark.parametrize(("stage", "others", "resumable"), STAGES)
def test_only_what_has_checkpoints_is_resumed(torn, method, stage, others, resumable, fail):
    files = config_files(f"hippocampus_{method}_segmentation_{stage}", *others)
    workflow = ConfigWorkflow(files, logging_file=False)
    workflow.parser.locator = LOCATOR
    workflow.parser["imports"] = []
    workflow.parser["run"] = {"_target_": fail}
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any error, if it is told well
        workflow.run()
    message = brief_message(caught.value)
    assert message is not None
    assert "start again" in message
    assert ("--resume True" in message) == resumable


def test_without_a_bundle_both_are_told():
    with pytest.raises(OSError, match="a search or a training continues with --resume True"):
        write_below_a_file()

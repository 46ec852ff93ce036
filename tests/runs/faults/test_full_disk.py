"""A disk that is full to the last byte: a real one, where the tests may mount it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch.utils.tensorboard import SummaryWriter

from iac_components.common.console.brief_errors import brief_message
from iac_components.common.files import (
    atomic_path,
    require_writable_directory,
    write_json,
    write_text,
)
from iac_components.common.files.tensor_files import write_tensors
from iac_components.data import SliceDataset, load_datalist
from iac_components.data.splits.folds import Folds
from iac_components.data.splits.folds_file import save_folds
from iac_components.engine.owned_folders import LOCK_NAME
from iac_components.search_space import SearchSpace, random_genotype, save_genotype

BYTES = 256 * 1024

# TensorBoard's thread, which pytest hears of at some later time.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> Iterator[Path]:
    """A file system of 256 kB."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={BYTES}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command to make a small disk with")
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here ({done.stderr.strip()})")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))


@pytest.fixture
def full(disk) -> Iterator[Path]:
    """A folder on it, when nothing more fits."""
    folder = disk / "run"
    folder.mkdir()
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space"):
        fill(filler)
    yield folder
    filler.unlink()
    shutil.rmtree(folder)


def told(action, *arguments) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any error, if it is told well
        action(*arguments)
    message = brief_message(caught.value)
    assert message is not None, "the user would be shown a traceback"
    assert "\n" not in message
    assert "No space left on device" in message
    return message


def write_by_library(path):
    with atomic_path(path) as temporary:
        torch.save(torch.ones(10_000), temporary)


MANY = tuple((str(patient),) for patient in range(999))
WRITERS = {
    "trace.csv": lambda path: write_text(path, "x" * 10_000),
    "network.json": lambda path: write_json(path, ["x" * 10_000]),
    "checkpoint.pt": lambda path: write_tensors(path, torch.ones(100_000)),
    "mask.nii.gz": write_by_library,
    "folds.json": lambda path: save_folds(
        Folds("x", 0, tuple((str(n),) for n in range(999))), path
    ),
    "genotype.json": lambda path: save_genotype(random_genotype(SearchSpace(2), 0), path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_file_folder_and_remedy_are_named(full, name):
    message = told(WRITERS[name], full / name)
    assert f"'{full / name}'" in message
    assert f"folder '{full}'" in message
    assert "Free space there, or choose another folder" in message
    assert list(full.iterdir()) == []


def test_folder_is_refused_before_any_work(full):
    """An empty file still fits on a full disk."""
    assert str(full) in told(require_writable_directory, full)
    assert list(full.iterdir()) == []


def test_cache(full, hippocampus):
    entries = load_datalist(hippocampus.phantom, layout="decathlon", part="train")
    transform = hippocampus.workflow("train", {}).parser.get_parsed_content("train#preprocessing")
    message = told(len, SliceDataset(entries, transform, cache_dir=full / "cache"))
    assert f"cache_dir '{full / 'cache'}'" in message


def test_tensorboard(full, tmp_path):
    """Its writer is a thread, whose error names no file."""

    def write():
        require_writable_directory(tmp_path)
        with SummaryWriter(str(full / "events"), flush_secs=1) as writer:
            for step in range(2000):
                writer.add_text("text", "x" * 100, step)
                writer.flush()

    told(write)


def test_run_ends_with_one_line_when_the_disk_fills_up(disk, failure, tmp_path):
    """Everything up to the checkpoint fits; the best weights stay, and nothing half-written."""
    out = disk / "out"
    options = {"output_dir": str(out), "ckpt_dir": str(tmp_path / "models")}
    filler = disk / "filler"
    filler.write_bytes(bytes(BYTES - 32 * 1024))
    try:
        message = failure("train", options)
    finally:
        filler.unlink()
    assert message.startswith("WriteError: ")
    assert f"'{out / 'checkpoints' / 'checkpoint_epoch=1.pt'}'" in message
    left = {path.name for path in out.iterdir() if path.name != LOCK_NAME}
    assert left == {"checkpoints", "folds.json", "network.json"}
    assert os.listdir(out / "checkpoints") == []

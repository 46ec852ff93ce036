"""Rests of killed runs are removed at the next start; a living writer's file and others' stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ignite.engine import Engine
from monai.transforms import Compose

from iac_components.common.files.atomic import atomic_path, atomic_write, require_writable_directory
from iac_components.common.files.temporary_files import hold, make_temporary, remove_leftovers
from iac_components.data.case import Case
from iac_components.data.datasets.volume_cache import VolumeCache
from iac_components.data.splits.folds_file import load_or_make_folds
from iac_components.engine import ResumableCheckpoint

CASES = [Case(f"p{n}", f"c{n}", Path("image"), Path("label")) for n in range(6)]

WRITER = """
import sys
from iac_components.common.files.atomic import atomic_write
with atomic_write(sys.argv[1]) as stream:
    stream.write(b"half")
    stream.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writer(tmp_path):
    """Another process in the middle of writing ``model.pt``."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "model.pt")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"writing\n"
    yield process
    process.kill()
    process.communicate()


def test_living_process_keeps_its_file_and_a_killed_one_does_not(writer, tmp_path):
    (name,) = os.listdir(tmp_path)
    assert remove_leftovers(tmp_path) == []
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert os.listdir(tmp_path) == [name]
    assert remove_leftovers(tmp_path) == [tmp_path / name]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    [".model.pt.a1b2c3_d.tmp", ".writable.a1b2c3_d", ".a1b2c3_d.tmp.case_seg.nii.gz"],
)
def test_next_start_removes(tmp_path, name):
    (tmp_path / name).write_bytes(b"half")
    require_writable_directory(tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    [
        "model.pt",
        ".hidden",
        "notes.tmp",
        ".notes.tmp",
        ".writable.mine",
        ".a.tmp",
        "x.a1b2c3_d.tmp",
    ],
)
def test_files_of_others_stay(tmp_path, name):
    (tmp_path / name).write_bytes(b"precious")
    require_writable_directory(tmp_path)
    assert (tmp_path / name).read_bytes() == b"precious"


def test_links_and_folders_of_such_a_name_stay(tmp_path):
    target = tmp_path / "precious"
    target.write_bytes(b"mine")
    (tmp_path / ".link.a1b2c3_d.tmp").symlink_to(target)
    (tmp_path / ".folder.a1b2c3_d.tmp").mkdir()
    os.mkfifo(tmp_path / ".pipe.a1b2c3_d.tmp")
    assert remove_leftovers(tmp_path) == []
    assert len(os.listdir(tmp_path)) == 4


def test_folder_that_is_not_there(tmp_path):
    assert remove_leftovers(tmp_path / "absent") == []


@pytest.mark.parametrize("opened", [atomic_write, atomic_path])
def test_own_file_being_written(tmp_path, opened):
    """Also while the library that writes it has closed it."""
    with opened(tmp_path / "model.pt"):
        assert remove_leftovers(tmp_path) == []
    assert os.listdir(tmp_path) == ["model.pt"]


def test_file_that_is_removed_before_it_is_locked(tmp_path, monkeypatch):
    """The next start of another rank may come between making and locking."""
    made = []

    def late(descriptor):
        if not made:
            made.extend(tmp_path.iterdir())
            assert remove_leftovers(tmp_path) == made
        return hold(descriptor)

    monkeypatch.setattr("iac_components.common.files.temporary_files.hold", late)
    descriptor, path = make_temporary(tmp_path / "model.pt")
    os.close(descriptor)
    assert [path] == list(tmp_path.iterdir())
    assert path not in made


def test_file_system_without_locks(tmp_path, monkeypatch):
    """Files are written, and none is taken for a dead run's."""

    def refuse(*_):
        raise OSError("no locks here")

    monkeypatch.setattr("iac_components.common.files.temporary_files.fcntl.flock", refuse)
    with atomic_write(tmp_path / "model.pt") as stream:
        stream.write(b"new")
        assert remove_leftovers(tmp_path) == []
    assert os.listdir(tmp_path) == ["model.pt"]


def test_only_those_of_a_file(tmp_path):
    """A folds file may lie in a folder that is none of the run's."""
    names = [".folds.json.a1b2c3_d.tmp", ".a1b2c3_d.tmp.folds.json", ".a1b2c3_d.tmp.other.json"]
    for name in names:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path, of="folds.json")
    assert [path.name for path in tmp_path.iterdir()] == names[2:]


def test_start_of_a_run_clears_checkpoints_folds_and_cache(tmp_path):
    """Wherever a run writes, not in its output folder alone."""
    name = ".a1b2c3_d.tmp.checkpoint_epoch=1.pt"
    (tmp_path / name).touch()
    engine = Engine(lambda engine, batch: None)
    ResumableCheckpoint(tmp_path, {}).attach(engine)
    engine.run([1], max_epochs=1)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint_epoch=1.pt"]

    folds = tmp_path / "folds.json"
    load_or_make_folds(folds, CASES, layout="x")
    (tmp_path / ".a1b2c3_d.tmp.folds.json").touch()
    load_or_make_folds(folds, CASES, layout="x")
    assert len(list(tmp_path.iterdir())) == 2

    def load():
        cache = VolumeCache(
            tmp_path / "cache",
            transform=Compose([]),
            slice_axis=2,
            keys=("image", "label"),
            dtype="float32",
        )
        volume = torch.ones(2, 1, 3, 3), torch.zeros(2, 1, 3, 3)
        cache.load({"image": "x", "label": "y"}, lambda: volume, case="c")
        return next(cache.directory.iterdir())

    folder = load()
    (folder / ".a1b2c3_d.tmp.image.npy").touch()
    assert load() == folder
    assert len(list(folder.iterdir())) == 3

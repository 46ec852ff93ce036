"""A folder has one owner: another process is refused by name, and a dead one owns nothing."""

from __future__ import annotations

import errno
import gc
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from iac_components.engine import FolderInUseError, OwnedFolders, owned_folders
from iac_components.engine.owned_folders import LOCK_NAME

HOLDER = """
import os, sys, time
from iac_components.engine import OwnedFolders

folders = OwnedFolders(output_dir=sys.argv[1])
folders.claim()
worker = os.fork()
if not worker:
    time.sleep(600)
print(worker, flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that owns ``results`` and has forked a worker that outlives it."""
    folder = tmp_path / "results"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    worker = int(process.stdout.readline())
    yield process, folder
    os.kill(worker, signal.SIGKILL)
    process.kill()
    process.wait()
    process.stdout.close()


def test_another_process_is_refused_until_the_owner_is_dead(holder, tmp_path):
    process, folder = holder
    ours = OwnedFolders(ckpt_dir=tmp_path / "models", output_dir=folder)
    with pytest.raises(FolderInUseError) as caught:
        ours.claim()
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"output_dir '{folder}' is in use by process {process.pid} on")
    for word in (socket.gethostname(), "started 2", "-c", "--output_dir"):
        assert word in message
    # What was free is free again, and the owner's file is as it was.
    assert not (tmp_path / "models" / LOCK_NAME).exists()
    assert json.loads((folder / LOCK_NAME).read_text())["process"] == process.pid
    process.send_signal(signal.SIGKILL)
    process.wait()
    ours.claim()
    ours.release()
    assert list(folder.iterdir()) == []


def test_owner_in_the_middle_of_writing_its_name(holder):
    _, folder = holder
    (folder / LOCK_NAME).write_text("{")
    with pytest.raises(FolderInUseError, match=r"is in use by another process\. Wait"):
        OwnedFolders(output_dir=folder).claim()


def test_one_process_may_run_one_thing_after_the_other(tmp_path):
    training, evaluation = (OwnedFolders(output_dir=tmp_path) for _ in range(2))
    training.claim()
    training.claim()
    evaluation.claim()
    training.release()
    training.release()
    assert (tmp_path / LOCK_NAME).exists()
    evaluation.release()
    assert list(tmp_path.iterdir()) == []
    training.claim()
    assert (tmp_path / LOCK_NAME).exists()
    training.release()


def test_one_folder_under_two_names(tmp_path):
    link = tmp_path / "link"
    (tmp_path / "real").mkdir()
    link.symlink_to(tmp_path / "real")
    folders = OwnedFolders(output_dir=tmp_path / "real", ckpt_dir=link)
    folders.claim()
    folders.release()
    assert list((tmp_path / "real").iterdir()) == []


def test_what_is_collected_owns_nothing(tmp_path):
    folders = OwnedFolders(output_dir=tmp_path)
    folders.claim()
    del folders
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_forked_worker_releases_nothing(tmp_path):
    folders = OwnedFolders(output_dir=tmp_path)
    folders.claim()
    child = os.fork()
    if not child:
        folders.release()
        os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / LOCK_NAME).exists()
    folders.release()


@pytest.mark.parametrize("reason", [errno.ENOLCK, errno.ENOTSUP, errno.EINVAL])
def test_file_system_without_locks(tmp_path, monkeypatch, caplog, reason):
    def fail(*arguments):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(owned_folders.fcntl, "lockf", fail)
    folders = OwnedFolders(output_dir=tmp_path)
    folders.claim()
    folders.release()
    (line,) = [record.getMessage() for record in caplog.records]
    assert f"output_dir '{tmp_path}' cannot be locked ({os.strerror(reason)})" in line


def test_system_without_locks(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(owned_folders, "fcntl", None)
    OwnedFolders(output_dir=tmp_path).claim()
    assert "cannot be locked on this system" in caplog.text


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(OSError, match="Pass another folder with --ckpt_dir"):
        OwnedFolders(output_dir=tmp_path / "out", ckpt_dir=tmp_path / "file").claim()
    assert (tmp_path / "file").read_text() == "precious"
    assert list((tmp_path / "out").iterdir()) == []

"""A run whose folder is deleted or moved says so, and does not end as if nothing were lost."""

from __future__ import annotations

import contextlib
import os
import shutil

import pytest

from iac_components.common.console.brief_errors import brief_message
from iac_components.common.files import atomic_path, write_text
from iac_components.common.files.kept_folders import FolderLostError
from iac_components.engine import OwnedFolders


@pytest.fixture
def run(tmp_path):
    """A run that owns two folders; the second lies behind a link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    folders = OwnedFolders(output_dir=tmp_path / "out", ckpt_dir=tmp_path / "link" / "models")
    folders.claim()
    yield folders
    for folder in folders._owned[:]:
        folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FolderLostError):
        folders.release()


def lose(how, folder):
    if how == "moved":
        folder.rename(folder.with_name("elsewhere"))
    else:
        shutil.rmtree(folder)
    if how == "made again":
        folder.mkdir()


HOW = pytest.mark.parametrize("how", ["deleted", "moved", "made again"])
WHERE = pytest.mark.parametrize(
    ("option", "name"), [("output_dir", "out"), ("ckpt_dir", "real/models")]
)


@HOW
@WHERE
def test_nothing_more_is_written(run, tmp_path, how, option, name):
    folder = tmp_path / name
    write_text(folder / "first.txt", "whole")
    lose(how, folder)
    before = sorted(tmp_path.rglob("*"))
    for target in (folder / "second.txt", folder / "checkpoints" / "third.pt"):
        with pytest.raises(FolderLostError) as caught, atomic_path(target):
            pass
        message = brief_message(caught.value)
        assert message.startswith(f"FolderLostError: {option} '{folder}' was deleted or moved")
        assert "\n" not in message
    assert sorted(tmp_path.rglob("*")) == before


@HOW
@WHERE
def test_the_end_of_the_run_tells(run, tmp_path, how, option, name):
    lose(how, tmp_path / name)
    # A library may make the folder again.
    (tmp_path / name).mkdir(parents=True, exist_ok=True)
    with pytest.raises(FolderLostError, match=f"^{option} "):
        run.release()
    # The other folder is free nevertheless, and so is this one.
    again = OwnedFolders(output_dir=tmp_path / "out", ckpt_dir=tmp_path / "real" / "models")
    again.claim()
    again.release()


def test_other_folders_are_nobodys_business(run, tmp_path):
    shutil.rmtree(tmp_path / "out")
    write_text(tmp_path / "beside" / "file.txt", "whole")
    write_text(tmp_path / "link" / "models" / "model.pt", "whole")


def test_a_released_folder_may_go(run, tmp_path):
    run.release()
    shutil.rmtree(tmp_path / "out")
    write_text(tmp_path / "out" / "file.txt", "whole")
    assert len(os.listdir("/proc/self/fd")) < 1000


def test_two_runs_of_one_process(run, tmp_path):
    other = OwnedFolders(output_dir=tmp_path / "out")
    other.claim()
    other.release()
    shutil.rmtree(tmp_path / "out")
    with pytest.raises(FolderLostError):
        write_text(tmp_path / "out" / "file.txt", "whole")

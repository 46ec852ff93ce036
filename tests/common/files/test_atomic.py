"""A file is the old one or the new one, never a part; what cannot be written is named."""

from __future__ import annotations

import errno
import json
import os
import stat

import nibabel
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iac_components.common.files import atomic as files
from iac_components.common.files.atomic import (
    atomic_path,
    atomic_write,
    read_json,
    require_writable_directory,
    write_json,
    write_text,
)
from iac_components.common.files.tensor_files import write_tensors
from iac_components.common.files.write_errors import WriteError

WRITERS = pytest.mark.parametrize(
    ("write", "content"),
    [(write_text, "new"), (write_json, {"new": 1}), (write_tensors, {"new": torch.ones(3)})],
)


def untouched(path):
    return path.read_bytes() == b"old" and [p.name for p in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_error_in_the_block_leaves_the_old_file(old, error):
    def fail():
        with atomic_write(old) as stream:
            stream.write(b"half")
            assert old.read_bytes() == b"old"
            raise error

    with pytest.raises(error):
        fail()
    assert untouched(old)


@WRITERS
@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_full_disk_leaves_the_old_file(old, monkeypatch, write, content, call):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        write(old, content)
    assert untouched(old)


def test_disk_that_fills_up_while_writing(old, monkeypatch):
    fdopen = os.fdopen

    def small(*arguments):
        stream = fdopen(*arguments)

        class Small:
            """Takes ten bytes."""

            def __enter__(self):
                return self

            def __exit__(self, *error):
                stream.close()

            def write(self, data):
                stream.write(data[:10])
                raise OSError(errno.ENOSPC, "No space left on device")

        return Small()

    monkeypatch.setattr(os, "fdopen", small)
    with pytest.raises(OSError, match="No space left"):
        write_text(old, "much more than ten bytes")
    monkeypatch.undo()
    assert untouched(old)


@WRITERS
def test_new_file_is_whole_and_alone(tmp_path, write, content):
    path = tmp_path / "not" / "yet" / "ünïcode.bin"
    for _ in range(2):
        write(path, content)
    assert [p.name for p in path.parent.iterdir()] == ["ünïcode.bin"]
    assert path.stat().st_size > 0


def test_mode_follows_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "file", "x")
        assert os.umask(0o027) == 0o027  # and the umask is as it was
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_temporary_file_lies_beside_its_target(old, monkeypatch):
    """A rename across file systems would be a copy, which can be cut off."""
    seen, replace = [], os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (seen.append((a, b)), replace(a, b)))
    write_text(old, "new")
    ((source, target),) = seen
    assert os.path.dirname(source) == str(old.parent)
    assert os.fspath(target) == str(old)


@given(st.text(st.characters(codec="utf-8")))
def test_text_round_trip(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "text"
    write_text(path, text)
    assert path.read_bytes().decode("utf-8") == text


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_no_nan_in_json(old, number):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(old, {"deep": [{"loss": number}]})
    assert untouched(old)


def test_json_is_readable_and_utf_8(tmp_path):
    write_json(tmp_path / "file", {"näme": [1, None]})
    raw = (tmp_path / "file").read_text(encoding="utf-8")
    assert "näme" in raw
    assert raw.endswith("}\n")
    assert json.loads(raw) == {"näme": [1, None]}
    assert read_json(tmp_path / "file", max_bytes=100) == {"näme": [1, None]}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"[" * 50_000, "not valid JSON"),
        (b"[" + b" " * 100_000, "larger than 100000 bytes"),
    ],
)
def test_what_is_no_small_json(tmp_path, raw, message):
    (tmp_path / "file").write_bytes(raw)
    with pytest.raises(ValueError, match=message) as caught:
        read_json(tmp_path / "file", max_bytes=100_000)
    assert "\n" not in str(caught.value)


def test_json_that_is_not_there(tmp_path):
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(ValueError, match="cannot be read"):
            read_json(path, max_bytes=100_000)


def test_tensors_load_without_code(tmp_path):
    content = {"weight": torch.randn(3), "epoch": 3, "name": "x", "loss": 0.5}
    write_tensors(tmp_path / "file", content)
    loaded = torch.load(tmp_path / "file", weights_only=True)
    assert torch.equal(loaded.pop("weight"), content.pop("weight"))
    assert loaded == content


def test_directory_is_made_and_left_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = require_writable_directory("new/ördner")
    assert made == tmp_path / "new" / "ördner"
    assert list(made.iterdir()) == []
    assert require_writable_directory(made) == made


@pytest.mark.parametrize("below", [False, True])
def test_file_in_the_place_of_the_directory(tmp_path, below):
    path = tmp_path / "taken"
    path.write_text("mine")
    directory = path / "eval" if below else path
    with pytest.raises(OSError, match=r"--ckpt_dir") as caught:
        require_writable_directory(directory, name="ckpt_dir")
    assert f"ckpt_dir '{directory}' cannot be written" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_text() == "mine"


@pytest.mark.parametrize("reason", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_directory_that_takes_no_file(tmp_path, monkeypatch, reason):
    """Simulated: tests may run as root, whom no permission stops."""

    def refuse(**options):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(files.tempfile, "NamedTemporaryFile", refuse)
    with pytest.raises(OSError, match="output_dir") as caught:
        require_writable_directory(tmp_path)
    assert os.strerror(reason) in str(caught.value)
    assert "Pass another folder with --output_dir" in str(caught.value)


class TestAtomicPath:
    """A file that a library writes by its name."""

    def test_temporary_name_ends_as_the_target_s(self, tmp_path):
        target = tmp_path / "new" / "case.1_seg.nii.gz"
        with atomic_path(target) as temporary:
            assert temporary.parent == target.parent
            assert temporary.name.endswith(".case.1_seg.nii.gz")
            assert temporary.name.startswith(".")
            nibabel.save(nibabel.Nifti1Image(np.ones((2, 3, 4), np.uint8), np.eye(4)), temporary)
            assert not target.exists()
        assert nibabel.load(target).shape == (2, 3, 4)
        assert os.listdir(target.parent) == [target.name]

    @pytest.mark.parametrize("name", ["x" * 255, "ä" * 123 + ".nii.gz"])
    def test_longest_names(self, tmp_path, name):
        with atomic_path(tmp_path / name) as temporary:
            temporary.write_bytes(b"new")
        assert os.listdir(tmp_path) == [name]

    def test_library_that_replaces_the_file(self, old):
        with atomic_path(old) as temporary:
            temporary.unlink()
            temporary.write_bytes(b"new")
        assert old.read_bytes() == b"new"
        assert len(os.listdir(old.parent)) == 1

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_error_in_the_block(self, old, error):
        def fail():
            with atomic_path(old) as temporary:
                temporary.write_bytes(b"half")
                raise error

        with pytest.raises(error):
            fail()
        assert untouched(old)

    def test_library_that_hides_the_full_disk(self, old, monkeypatch):
        """ITK and others say that the file cannot be written, not why."""

        def fail():
            with atomic_path(old):
                space = os.statvfs_result((4096, 4096, 100, 0, 0, 100, 100, 100, 0, 255))
                monkeypatch.setattr(os, "statvfs", lambda path: space)
                raise RuntimeError("writer failed")

        with pytest.raises(WriteError, match="No space left"):
            fail()
        assert untouched(old)

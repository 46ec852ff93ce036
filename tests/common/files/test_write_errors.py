"""Errors of the disk: what cannot be written is named."""

from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path

import pytest
import torch

from iac_components.common.console.brief_errors import brief_message
from iac_components.common.files.atomic import (
    atomic_write,
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


class TestWriteErrors:
    """One line with file, folder and remedy, whatever the disk's trouble and whoever met it."""

    @WRITERS
    @pytest.mark.parametrize("reason", ["ENOSPC", "EDQUOT", "EROFS", "EIO", "EACCES"])
    @pytest.mark.parametrize("call", ["fsync", "replace", "chmod", "open"])
    def test_names_file_folder_and_remedy(self, old, monkeypatch, write, content, reason, call):
        number = getattr(errno, reason)

        def refuse(*_):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, call, refuse)
        with pytest.raises(WriteError) as caught:
            write(old, content)
        monkeypatch.undo()
        message = brief_message(caught.value)
        assert "\n" not in message
        assert message.startswith(f"WriteError: '{old}' cannot be written ({os.strerror(number)})")
        assert f"folder '{old.parent}'" in message
        assert "or choose another folder" in message
        assert "--resume True" in message
        assert caught.value.errno == number
        assert untouched(old)

    @WRITERS
    def test_device_that_is_always_full(self, old, monkeypatch, write, content):
        """A real write that the kernel refuses."""
        if not Path("/dev/full").exists():
            pytest.skip("this system has no /dev/full")

        def full(descriptor, mode):
            os.close(descriptor)
            return Path("/dev/full").open(mode)

        monkeypatch.setattr(os, "fdopen", full)
        with pytest.raises(WriteError, match="No space left"):
            write(old, content)
        assert untouched(old)

    def test_errors_of_the_block_itself_stay(self, old):
        def fail():
            with atomic_write(old):
                (old.parent / "absent").read_bytes()

        with pytest.raises(FileNotFoundError, match="absent"):
            fail()
        assert untouched(old)

    def test_survives_pickling(self, old):
        """A worker process hands its error to the run by pickling it."""
        error = WriteError("the message", OSError(errno.ENOSPC, "full"))
        copy = pickle.loads(pickle.dumps(error))
        assert str(copy) == "the message"
        assert isinstance(copy, WriteError)

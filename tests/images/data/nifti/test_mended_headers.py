"""A header that nibabel mends is told with its file's name, once; a damaged one by us alone."""

from __future__ import annotations

import logging
import struct

import nibabel
import numpy as np
import pytest

from iac_components.data.faults import Fault
from iac_components.data.nifti.nifti_reader import open_nifti
from iac_components.data.nifti.volume_file import read_volume

SIZEOF_HDR, DATATYPE, QFAC = (0, "<i"), (70, "<h"), (76, "<f")


@pytest.fixture
def damaged(tmp_path):
    """Return a function that writes a volume with a field of its header changed."""

    def write(field, value, name="volume.nii"):
        path = tmp_path / name
        nibabel.save(nibabel.Nifti1Image(np.ones((4, 5, 6), np.uint8), np.eye(4)), path)
        content = bytearray(path.read_bytes())
        place, form = field
        content[place : place + struct.calcsize(form)] = struct.pack(form, value)
        path.write_bytes(content)
        return str(path)

    return write


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        *((SIZEOF_HDR, size, "sizeof_hdr should be 348") for size in (0, 349, 540, -1)),
        (QFAC, 0.5, "qfac"),
    ],
)
def test_the_file_is_named_once(damaged, caplog, capfd, field, value, words):
    path = damaged(field, value)
    with caplog.at_level(logging.INFO):
        for read in (read_volume, open_nifti, read_volume):
            assert not isinstance(read(path), Fault)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith(f"'{path}' has a header that is mended")
    assert words in record.getMessage()
    # nibabel's own handler writes past logging's set-up.
    assert capfd.readouterr().err == ""


def test_a_fault_is_told_by_us_alone(damaged, caplog, capfd):
    path = damaged(SIZEOF_HDR, 0)
    with open(path, "r+b") as stream:
        stream.seek(DATATYPE[0])
        stream.write(struct.pack("<h", 9999))
    with caplog.at_level(logging.INFO):
        assert isinstance(read_volume(path), Fault)
    assert caplog.records == []
    assert capfd.readouterr().err == ""


def test_a_sound_file_and_other_users_of_nibabel(damaged, caplog):
    with caplog.at_level(logging.INFO):
        read_volume(damaged(SIZEOF_HDR, 348))
        assert caplog.records == []
        nibabel.load(damaged(SIZEOF_HDR, 0, "theirs.nii"))
    assert "sizeof_hdr" in caplog.text

from __future__ import annotations

import contextlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.data.datasets.array_file import ArrayFile, open_array, write_array

ARRAY = np.arange(24, dtype=np.float16).reshape(2, 3, 4)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good file; treat it as read-only."""
    path = tmp_path_factory.mktemp("arrays") / "größe.npy"
    write_array(path, ARRAY)
    return path


@pytest.mark.parametrize("array", [ARRAY, ARRAY.T, np.array([True, False]), ARRAY[:, ::2]])
def test_what_is_written_is_mapped(tmp_path: Path, array: np.ndarray) -> None:
    path = tmp_path / "array.npy"
    write_array(path, array)
    found = open_array(path)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert np.array_equal(found.map(), array)
    assert np.array_equal(np.load(path), array)


def test_a_map_is_read_only(file: Path) -> None:
    array = open_array(file).map()
    assert isinstance(array, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_a_writable_map_does_not_reach_the_file(file: Path) -> None:
    content = file.read_bytes()
    array = open_array(file).map(writable=True)
    array[...] = 0
    assert not array.any()
    assert file.read_bytes() == content


def test_a_description_holds_no_voxels(file: Path) -> None:
    found = open_array(file)
    copy = pickle.loads(pickle.dumps(found))
    assert isinstance(copy, ArrayFile)
    assert np.array_equal(copy.map()[1], ARRAY[1])
    assert len(pickle.dumps(found)) < 1000


@given(st.data())
def test_a_damaged_header_is_refused_or_harmless(
    file: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 127))] = data.draw(st.integers(0, 255))
    damaged = tmp_path_factory.getbasetemp() / "damaged.npy"
    damaged.write_bytes(content)
    # Any other error would end a run that could write the file again.
    with contextlib.suppress(ValueError):
        assert open_array(damaged).map().nbytes == ARRAY.nbytes


@given(st.integers(0, 128 + ARRAY.nbytes - 1))
def test_a_file_cut_off_is_refused(
    file: Path, tmp_path_factory: pytest.TempPathFactory, length: int
) -> None:
    cut = tmp_path_factory.getbasetemp() / "cut.npy"
    cut.write_bytes(file.read_bytes()[:length])
    with pytest.raises(ValueError, match=r"^cut\.npy: "):
        open_array(cut)


def test_objects_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "objects.npy"
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"^objects\.npy: .*[Oo]bject"):
        open_array(path)


def test_a_columns_first_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "columns.npy"
    np.save(path, np.asfortranarray(ARRAY))
    with pytest.raises(ValueError, match="header"):
        open_array(path)


@pytest.mark.parametrize("name", ["absent.npy", "folder"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=name):
        open_array(tmp_path / name)


def test_a_file_that_became_shorter(tmp_path: Path) -> None:
    path = tmp_path / "array.npy"
    write_array(path, ARRAY)
    found = open_array(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="greater than file size"):
        found.map()

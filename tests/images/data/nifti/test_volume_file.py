"""Whatever a header says, reading gives a volume or a fault, within the memory of the file."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iac_components.data.checks.entries import check_entry
from iac_components.data.checks.volumes import Expectation
from iac_components.data.faults import Fault
from iac_components.data.nifti import volume_file
from iac_components.data.nifti.volume_file import Volume, read_volume

SHAPE = (4, 3, 2)
VOXELS = np.arange(24, dtype=np.int16).reshape(SHAPE)
AFFINE = np.diag([1.5, 2.0, 3.0, 1.0])
ONE_MEGABYTE = 1 << 20

SOUND = {
    kind.__name__: kind(VOXELS, AFFINE).to_bytes()
    for kind in (nibabel.Nifti1Image, nibabel.Nifti2Image)
}

# Bytes of no meaning, and those that numbers of all types have at their ends.
BYTES = st.one_of(
    st.binary(min_size=1, max_size=16),
    st.sampled_from(
        [np.array([value], kind).tobytes() for kind in ("<f4", "<f8") for value in (np.inf, np.nan)]
        + [np.array([32767] * 7, "<i2").tobytes(), np.array([2**62] * 7, "<i8").tobytes()]
        + [b"\xff" * 4, bytes(8), b"\x00\x01\x00\x00"]
    ),
)
EDITS = st.lists(st.tuples(st.integers(0, 560), BYTES), min_size=1, max_size=4)


def edited(content: bytes, edits: list[tuple[int, bytes]]) -> bytes:
    raw = bytearray(content)
    for start, new in edits:
        raw[start : start + len(new)] = new
    return bytes(raw)


@settings(
    max_examples=300,
    # Each example overwrites the same file.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    kind=st.sampled_from(sorted(SOUND)), edits=EDITS, cut=st.integers(0, 600), packed=st.booleans()
)
@pytest.mark.filterwarnings("ignore")
def test_no_header_raises_or_takes_memory(
    tmp_path: Path, kind: str, edits: list[tuple[int, bytes]], cut: int, packed: bool
) -> None:
    content = edited(SOUND[kind], edits)
    content = content if cut > 200 else content[: 5 * cut]
    path = tmp_path / ("a.nii.gz" if packed else "a.nii")
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    tracemalloc.start()
    try:
        found = read_volume(str(path))
        findings = check_entry({"image": str(path)}, ["image"], Expectation([1]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A piece of the file is read at a time.
    assert peak < 3 * ONE_MEGABYTE
    if isinstance(found, Fault):
        assert found.where == str(path)
        assert found.problem
        assert found.remedy.endswith(".")
        assert found in findings.faults
    else:
        assert found.data.size == np.prod(found.header.shape)


@pytest.mark.parametrize("kind", sorted(SOUND))
@pytest.mark.parametrize("name", ["a.nii", "a.NII", "a.nii.gz", "a.NII.GZ", "a.Nii.Gz", "a.gz"])
def test_sound_files_of_any_name_are_read(tmp_path: Path, kind: str, name: str) -> None:
    packed = name.lower().endswith(".gz")
    content = gzip.compress(SOUND[kind]) + gzip.compress(b"more") if packed else SOUND[kind]
    (tmp_path / name).write_bytes(content)
    volume = read_volume(str(tmp_path / name))
    assert isinstance(volume, Volume)
    assert np.array_equal(volume.data, VOXELS)
    assert np.array_equal(volume.affine, AFFINE)
    assert volume.header.unit == "unknown"


@pytest.mark.parametrize(("field", "code"), [("qform_code", -3), ("sform_code", 300)])
def test_a_code_of_no_meaning_is_a_fault(tmp_path: Path, field: str, code: int) -> None:
    image = nibabel.Nifti1Image(VOXELS, AFFINE)
    content = bytearray(image.to_bytes())
    image.header[field] = code
    content[:348] = image.header.binaryblock
    path = tmp_path / "a.nii"
    path.write_bytes(edited(bytes(content), [(108, np.float32(352).tobytes())]))
    fault = read_volume(str(path))
    assert isinstance(fault, Fault)
    assert f"{field} {code}" in fault.problem


def test_equal_voxels_have_one_digest(tmp_path: Path) -> None:
    def digest(voxels: np.ndarray, affine: np.ndarray = AFFINE) -> bytes:
        nibabel.save(nibabel.Nifti1Image(voxels, affine), tmp_path / "a.nii.gz")
        volume = read_volume(str(tmp_path / "a.nii.gz"))
        assert isinstance(volume, Volume)
        return volume.digest

    assert digest(VOXELS) == digest(VOXELS, np.eye(4))
    assert digest(VOXELS) != digest(VOXELS + 1)
    assert digest(VOXELS) != digest(VOXELS.ravel(order="F").reshape((2, 3, 4), order="F"))


def test_a_volume_beyond_the_memory_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.nii"
    path.write_bytes(SOUND["Nifti1Image"])
    monkeypatch.setattr(volume_file, "available_memory", lambda: 400)
    found = read_volume(str(path))
    assert isinstance(found, Fault)
    assert "of memory to read (size (4, 3, 2))" in found.problem


def test_running_out_of_memory_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str) -> Volume:
        raise MemoryError

    path = tmp_path / "a.nii"
    path.write_bytes(SOUND["Nifti1Image"])
    monkeypatch.setattr(volume_file, "_read", fail)
    assert read_volume(str(path)) == Fault(
        str(path), "does not fit into the memory", "Use a machine with more of it."
    )


def test_a_bomb_is_not_unpacked_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(SOUND["Nifti1Image"] + bytes(30 * ONE_MEGABYTE)))
    tracemalloc.start()
    try:
        volume = read_volume(str(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(volume, Volume)
    assert peak < 5 * ONE_MEGABYTE

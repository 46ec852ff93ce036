"""Entries of a datalist for the preflight check, and their faults."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

from iac_components.data import DatasetError, check_datalist

Entry = dict[str, str]
SHAPE = (8, 9, 5)
AFFINE = np.diag([1.5, 1.5, 8.0, 1.0])


def make_image(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(0).normal(100, 20, shape).astype(np.float32)


def make_label(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    label = np.zeros(shape, np.uint8)
    label[2:5, 2:5, 1:3], label[5, 5, 2] = 1, 2
    return label


def write(path: str | Path, voxels: np.ndarray, affine: np.ndarray = AFFINE) -> None:
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)


def make_entry(folder: Path, case: str = "a") -> Entry:
    entry = {"image": str(folder / f"{case}.nii.gz"), "label": str(folder / f"{case}_gt.nii.gz")}
    write(entry["image"], make_image())
    write(entry["label"], make_label())
    return {**entry, "patient": case, "case": case}


def faults_of(datalist: list[Entry], **options: object) -> list[tuple[str, str]]:
    """Return (file name, problem) of all faults."""
    with pytest.raises(DatasetError) as caught:
        check_datalist(datalist, labels=[1, 2], **options)  # type: ignore[arg-type]
    assert all(fault.remedy.endswith(".") for fault in caught.value.faults)
    for fault in caught.value.faults:
        assert fault.where in str(caught.value)
        assert fault.problem in str(caught.value)
    return [(Path(fault.where).name, fault.problem) for fault in caught.value.faults]


def edit(voxels: np.ndarray, value: float) -> np.ndarray:
    changed = voxels.astype(np.float32)
    changed[0, 0, 0] = value
    return changed


def replace_file(entry: Entry, key: str, content: bytes) -> None:
    Path(entry[key]).write_bytes(content)


def patch_header(entry: Entry, key: str, start: int, content: bytes) -> None:
    raw = bytearray(gzip.decompress(Path(entry[key]).read_bytes()))
    raw[start : start + len(content)] = content
    replace_file(entry, key, gzip.compress(bytes(raw)))

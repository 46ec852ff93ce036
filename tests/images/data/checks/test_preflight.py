"""Every fault of a file is found by the preflight check, alone and with others."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from checked_entries import (
    AFFINE,
    SHAPE,
    Entry,
    edit,
    faults_of,
    make_entry,
    make_image,
    make_label,
    patch_header,
    replace_file,
    write,
)

from iac_components.data import DatasetError, check_datalist


def rename(entry: Entry, key: str, ending: str) -> None:
    path = Path(entry[key])
    entry[key] = str(path.rename(path.with_name(path.name.partition(".")[0] + ending)))


def make_folder(entry: Entry) -> None:
    Path(entry["image"]).unlink()
    Path(entry["image"]).mkdir()


def truncate(entry: Entry) -> None:
    whole = Path(entry["image"]).read_bytes()
    replace_file(entry, "image", whole[: len(whole) * 2 // 3])


def truncate_plain(entry: Entry) -> None:
    content = gzip.decompress(Path(entry["image"]).read_bytes())
    entry["image"] = entry["image"].removesuffix(".gz")
    replace_file(entry, "image", content[:-100])


def corrupt(entry: Entry) -> None:
    whole = bytearray(Path(entry["image"]).read_bytes())
    whole[600:640] = bytes(40)
    replace_file(entry, "image", bytes(whole))


def flip_affine() -> np.ndarray:
    flipped = AFFINE.copy()
    flipped[0] = [-1.5, 0, 0, 1.5 * (SHAPE[0] - 1)]
    return flipped


def patched(key: str, start: int, content: bytes) -> Callable[[Entry], None]:
    return lambda entry: patch_header(entry, key, start, content)


def image_is(voxels: np.ndarray, affine: np.ndarray = AFFINE) -> Callable[[Entry], None]:
    return lambda entry: write(entry["image"], voxels, affine)


def label_is(voxels: np.ndarray, affine: np.ndarray = AFFINE) -> Callable[[Entry], None]:
    return lambda entry: write(entry["label"], voxels, affine)


SINGLE_FAULTS: dict[str, tuple[Callable[[Entry], object], str, str]] = {
    "missing": (lambda e: Path(e["image"]).unlink(), "image", "does not exist"),
    "name too long": (lambda e: e.update(image="x" * 300), "image", "does not exist"),
    "missing label": (lambda e: Path(e["label"]).unlink(), "label", "does not exist"),
    "zero bytes": (lambda e: replace_file(e, "label", b""), "label", "is empty (0 bytes)"),
    "a folder": (make_folder, "image", "is a folder"),
    "truncated gzip": (truncate, "image", "cannot be read to its end"),
    "truncated file": (truncate_plain, "image", "cannot be read to its end"),
    "corrupt gzip": (corrupt, "image", "cannot be read to its end"),
    "truncated checksum": (
        lambda e: replace_file(e, "label", Path(e["label"]).read_bytes()[:-4]),
        "label",
        "cannot be read to its end",
    ),
    "not gzip": (lambda e: replace_file(e, "image", b"x" * 999), "image", "cannot be read"),
    "wrong magic": (patched("image", 344, b"abc\0"), "image", "wrong magic"),
    "colours": (
        image_is(np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])),
        "image",
        "voxels",
    ),
    "4-D image": (image_is(make_image((*SHAPE, 2))), "image", "has 2 channels or frames"),
    "5-D image": (image_is(make_image((*SHAPE, 1, 2))), "image", "is 5-D"),
    "4-D label": (label_is(make_label()[..., None]), "label", "is 4-D"),
    "shapes differ": (label_is(make_label((8, 9, 6))), "label", "has shape (8, 9, 6)"),
    "flipped": (label_is(make_label(), flip_affine()), "label", "mm away from its image"),
    "shifted": (
        label_is(make_label(), AFFINE + np.diag([1.0], 3) * 1.5),
        "label",
        "lies up to 1.5 mm away",
    ),
    "NaN voxel": (image_is(edit(make_image(), np.nan)), "image", "has 1 NaN or infinite"),
    "infinite voxel": (image_is(edit(make_image(), np.inf)), "image", "has 1 NaN or infinite"),
    "NaN label": (label_is(edit(make_label(), np.nan)), "label", "has 1 NaN or infinite"),
    "constant": (image_is(np.full(SHAPE, 7, np.int16)), "image", "is constant (7 everywhere)"),
    "unexpected label": (label_is(edit(make_label(), 3)), "label", "unexpected label values 3,"),
    "negative label": (label_is(edit(make_label(), -1)), "label", "negative label values -1"),
    "non-integer label": (label_is(edit(make_label(), 1.5)), "label", "non-integer label values"),
    "microns": (patched("image", 123, bytes([3])), "image", "voxels of 1.5 x 1.5 x 8 micron"),
    "no voxels": (patched("image", 42, bytes(2)), "image", "has an axis without voxels (size (0"),
    "negative size": (patched("image", 42, b"\xff\xff"), "image", "(size (-1, 9, 5) in its header"),
    "no axes": (patched("image", 40, bytes(2)), "image", "has a header of 0 axes"),
    "too many axes": (patched("image", 40, b"\x08\x00"), "image", "axes (field dim)"),
    "huge size": (
        patched("image", 40, np.array([7, *[32767] * 7], np.int16).tobytes()),
        "image",
        "cannot be read to its end (its header has size (32767,",
    ),
    "infinite vox_offset": (
        patched("image", 108, np.float32(np.inf).tobytes()),
        "image",
        "has voxels from byte inf on (vox_offset in its header), expected 352 or more",
    ),
    "no vox_offset": (patched("image", 108, bytes(4)), "image", "has voxels from byte 0 on"),
    "vox_offset too far": (
        patched("image", 108, np.float32(1e30).tobytes()),
        "image",
        "cannot be read to its end",
    ),
    "unknown type": (patched("image", 70, b"\x07\x00"), "image", "holds voxels of no known type"),
    "named compressed, but is not": (
        lambda e: replace_file(e, "image", gzip.decompress(Path(e["image"]).read_bytes())),
        "image",
        "is not compressed, as its name says",
    ),
    "compressed, not named so": (
        lambda e: rename(e, "image", ".nii"),
        "image",
        "is compressed, which its name does not say",
    ),
    "zero spacing": (patched("image", 80, bytes(4)), "image", "has spacing [0.0, 1.5, 8.0] mm"),
    "negative spacing": (
        patched("image", 80, np.float32(-1).tobytes()),
        "image",
        "has spacing [-1.0, 1.5, 8.0] mm",
    ),
    "infinite spacing": (
        patched("image", 88, np.float32(np.inf).tobytes()),
        "image",
        "has spacing [1.5, 1.5, inf] mm",
    ),
    "NaN affine": (
        patched("image", 292, np.float32(np.nan).tobytes()),
        "image",
        "has a NaN or infinite affine",
    ),
}


@pytest.mark.parametrize("name", SINGLE_FAULTS)
def test_each_fault_alone_is_the_only_one_reported(tmp_path: Path, name: str) -> None:
    damage, key, problem = SINGLE_FAULTS[name]
    entry = make_entry(tmp_path)
    damage(entry)
    found = faults_of([entry, make_entry(tmp_path, "sound")])
    assert len(found) == 1
    assert found[0][0] == Path(entry[key]).name
    assert problem in found[0][1]


@pytest.mark.parametrize("rows", [(0, 0, 0, 0), (0, 1.5, 0, 0), (1.5, 1.5, 0, 0, 0, 0, 0, 0)])
def test_singular_affine(tmp_path: Path, rows: tuple[float, ...]) -> None:
    entry = make_entry(tmp_path)
    for key in ("image", "label"):
        # Bytes 280 to 327 of a NIfTI-1 header are the affine's rows.
        patch_header(entry, key, 280, np.array(rows, np.float32).tobytes())
    problem = "has a singular affine (axes that are null or parallel)"
    assert faults_of([entry]) == [("a.nii.gz", problem), ("a_gt.nii.gz", problem)]


def test_all_faults_of_all_files_in_one_error(tmp_path: Path) -> None:
    entries = []
    for number, (damage, _, _) in enumerate(SINGLE_FAULTS.values()):
        entry = make_entry(tmp_path, f"case{number:02d}")
        damage(entry)
        entries.append(entry)
    found = faults_of(entries)
    assert len(found) == len(SINGLE_FAULTS)
    for number, (_, key, problem) in enumerate(SINGLE_FAULTS.values()):
        assert found[number][0] == Path(entries[number][key]).name
        assert problem in found[number][1]


def test_several_faults_of_one_file_stand_together(tmp_path: Path) -> None:
    entry = make_entry(tmp_path)
    label = edit(make_label((8, 9, 6)), -2)
    label[1, 0, 0], label[2, 0, 0] = 0.5, 9
    write(entry["label"], label)
    with pytest.raises(DatasetError) as caught:
        check_datalist([entry], labels=[1, 2])
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("Datalist of 1 case(s): 4 fault(s) in 1 place(s).")
    assert lines[1] == entry["label"]
    for line, word in zip(
        lines[2:], ("non-integer", "negative", "unexpected", "shape"), strict=True
    ):
        assert line.startswith("  - ")
        assert word in line

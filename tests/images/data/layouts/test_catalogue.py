from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from iac_components.data import DatasetError, read_dataset, register_layout, registered_layouts


def test_unknown_layout_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'acd' is unknown.*acdc, amos, .*kits"):
        read_dataset(tmp_path, layout="acd")


LAYOUTS = ["acdc", "amos", "brats", "decathlon", "kits"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["missing", "file", "empty", "foreign"])
def test_wrong_folder_says_what_was_found_and_what_to_change(
    tmp_path: Path, layout: str, kind: str
) -> None:
    folder = tmp_path / "data"
    if kind == "file":
        folder.write_text("x")
    elif kind != "missing":
        folder.mkdir()
    if kind == "foreign":
        (folder / "holiday.jpg").write_text("x")
    found = {"missing": "nothing", "file": "a file", "empty": "an empty folder"}
    with pytest.raises(DatasetError) as caught:
        read_dataset(folder, layout=layout)
    message = str(caught.value)
    assert str(folder) in message
    assert "expected" in message
    assert f"found {found.get(kind, 'holiday.jpg')}" in message
    assert "--dataset_dir" in message


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cases_are_sorted_absolute_and_unique(
    phantoms: dict[str, Path], monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    monkeypatch.chdir(phantoms[layout].parent)
    cases = read_dataset(phantoms[layout].name, layout=layout)
    assert cases == sorted(cases)
    assert len({case.name for case in cases}) == len(cases)
    for case in cases:
        assert case.label is not None
        for file in (*((case.image,) if layout != "brats" else case.image), case.label):
            assert file.is_absolute()
            assert file.is_file()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_missing_file_hides_no_damaged_one(
    phantoms: dict[str, Path], tmp_path: Path, layout: str
) -> None:
    folder = Path(shutil.copytree(phantoms[layout], tmp_path / "data"))
    missing, damaged, *_ = read_dataset(folder, layout=layout)
    assert missing.label is not None
    assert damaged.label is not None
    missing.label.unlink()
    damaged.label.write_bytes(damaged.label.read_bytes()[:100])
    with pytest.raises(DatasetError, match=re.escape(missing.label.name)) as caught:
        read_dataset(folder, layout=layout)
    assert str(damaged.label) in [fault.where for fault in caught.value.faults]


def test_a_layout_is_registered_once() -> None:
    assert set(LAYOUTS) <= set(registered_layouts())
    with pytest.raises(ValueError, match="'acdc' is registered already"):
        register_layout("acdc")(lambda folder: [])

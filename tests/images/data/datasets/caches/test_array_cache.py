from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from monai.transforms import Compose, Identityd, Lambdad, ScaleIntensityd

from iac_components.data.datasets.array_cache import ArrayCache, named_if_changed
from iac_components.data.datasets.array_file import ArrayFile

# Damage, interruption and writing by two at once are tried in test_volume_cache.py.


def names_of(arrays: object) -> list[str]:
    assert isinstance(arrays, list)
    return [array.file.stem for array in arrays if isinstance(array, ArrayFile)]


def make(folder: Path, **options: object) -> ArrayCache[list[str]]:
    chosen = {
        "transform": Compose(Identityd("image")),
        "settings": ("a",),
        "names": ("one", "two"),
        "open_volume": names_of,
        **options,
    }
    return ArrayCache(folder, **chosen)  # type: ignore[arg-type]


def is_found(cache: ArrayCache[list[str]]) -> bool:
    made: list[bool] = []
    cache.load({"image": "x"}, lambda: (made.append(True), [np.zeros(1), np.ones(2)])[1])
    return not made


def test_a_volume_is_opened_from_its_files_in_order(tmp_path: Path) -> None:
    loaded = make(tmp_path).load({"image": "x"}, lambda: [np.zeros(1), np.ones(2)])
    assert loaded == ["one", "two"]
    assert {file.name for file in tmp_path.rglob("*.npy")} == {"one.npy", "two.npy"}


@pytest.mark.parametrize(
    "change", [{"settings": ("b",)}, {"transform": Compose(ScaleIntensityd("image"))}]
)
def test_other_settings_are_another_volume(tmp_path: Path, change: dict[str, object]) -> None:
    assert not is_found(make(tmp_path))
    assert is_found(make(tmp_path))
    assert not is_found(make(tmp_path, **change))


def test_a_transform_that_cannot_be_described(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"<lambda>.*Or leave cache_dir out"):
        make(tmp_path, transform=Compose(Lambdad("image", lambda image: image)))


def test_as_many_arrays_as_names(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zip"):
        make(tmp_path).load({"image": "x"}, lambda: [np.zeros(1)])
    assert not is_found(make(tmp_path))


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("too short")])
def test_a_changed_file_names_the_volume(error: Exception) -> None:
    with (
        pytest.raises(OSError, match=r"'here' was changed while in use \((gone|too short)\)"),
        named_if_changed(Path("here")),
    ):
        raise error

from __future__ import annotations

import copy
import functools
import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.transforms import (
    Compose,
    Lambdad,
    LoadImaged,
    MapLabelValued,
    NormalizeIntensityd,
    Orientationd,
    ResizeWithPadOrCropd,
    ScaleIntensityRanged,
    Spacingd,
)

from iac_components.data.datasets.fingerprint import transform_fingerprint
from iac_components.phantoms import write_phantom

KEYS = ["image", "label"]


def preprocessing(**spacing: object) -> Compose:
    """The bundles' transforms of a volume."""
    options = {"pixdim": (1.5, 1.5, -1.0), "mode": ("bilinear", "nearest"), **spacing}
    return Compose(
        [
            LoadImaged(KEYS, ensure_channel_first=True),
            Orientationd(KEYS, axcodes="RAS", labels=None),
            Spacingd(KEYS, **options),
            NormalizeIntensityd("image"),
            ResizeWithPadOrCropd(KEYS, spatial_size=(32, 32, -1)),
        ]
    )


def double(value: torch.Tensor) -> torch.Tensor:
    return value * 2


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(values)
def test_a_copy_has_the_same_text(value: object) -> None:
    assert transform_fingerprint(copy.deepcopy(value)) == transform_fingerprint(value)


@given(values, values)
def test_the_text_tells_values_apart(first: object, second: object) -> None:
    # repr tells all of these apart, also 1 from True and -0.0 from 0.0.
    assert (transform_fingerprint(first) == transform_fingerprint(second)) == (
        repr(first) == repr(second)
    )


def test_equal_transforms_built_apart_have_one_text() -> None:
    assert transform_fingerprint(preprocessing()) == transform_fingerprint(preprocessing())


def test_use_does_not_change_the_text(tmp_path: Path) -> None:
    folder = write_phantom(tmp_path / "acdc", layout="acdc", num_patients=2, shape=(32, 40))
    labels = sorted(folder.rglob("*_gt.nii.gz"))[:2]
    transform = preprocessing()
    before = transform_fingerprint(transform)
    for label in labels:
        transform({"image": str(label).replace("_gt", ""), "label": str(label)})
        assert transform_fingerprint(transform) == before


@pytest.mark.parametrize(
    "other",
    [
        preprocessing(pixdim=(1.5, 1.25, -1.0)),
        preprocessing(mode=("nearest", "nearest")),
        preprocessing(align_corners=True),
        Compose(preprocessing().transforms[:-1]),
        Compose(preprocessing().transforms[::-1]),
        Compose(preprocessing().transforms, lazy=True),
    ],
)
def test_each_setting_changes_the_text(other: Compose) -> None:
    assert transform_fingerprint(other) != transform_fingerprint(preprocessing())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ScaleIntensityRanged("image", -100, 300, 0, 1), ScaleIntensityRanged("image", 0, 1, 0, 1)),
        (MapLabelValued("label", [1, 2], [3, 4]), MapLabelValued("label", [1, 2], [4, 3])),
        (Lambdad("label", double), Lambdad("label", abs)),
        (Lambdad("label", np.add), Lambdad("label", np.exp)),
        (np.array([1, 2]), np.array([2, 1])),
        (np.array([1, 2]), np.array([[1, 2]])),
        (np.zeros(2, np.int32), np.zeros(2, np.float32)),
        (torch.tensor([1.0]), torch.tensor([2.0])),
        (torch.float32, torch.float16),
        (functools.partial(double, value=1), functools.partial(double, value=2)),
    ],
)
def test_settings_within_objects_are_told_apart(first: object, second: object) -> None:
    assert transform_fingerprint(first) == transform_fingerprint(copy.deepcopy(first))
    assert transform_fingerprint(first) != transform_fingerprint(second)


def test_a_changed_function_of_ones_own_changes_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    texts = set()
    for number in range(2):
        name = "steps_of_a_user"
        (tmp_path / f"{name}.py").write_text(f"def step(x):\n    return x + {number}{number}\n")
        sys.modules.pop(name, None)
        importlib.invalidate_caches()
        texts.add(transform_fingerprint([importlib.import_module(name).step]))
    assert len(texts) == 2


def test_another_version_of_the_library_changes_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    before = transform_fingerprint(preprocessing())
    monkeypatch.setattr("monai.__version__", "0.0.1")
    assert transform_fingerprint(preprocessing()) != before


def test_another_process_finds_the_same_text() -> None:
    program = (
        "from monai.transforms import *\n"
        "from iac_components.data.datasets.fingerprint import transform_fingerprint\n"
        "print(transform_fingerprint([NormalizeIntensityd('im' + 'age'), {'b', 'a', 'c'}]), end='')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[4],
    )
    assert done.stdout == transform_fingerprint([NormalizeIntensityd("image"), {"c", "a", "b"}])


def _closure() -> Callable[[float], float]:
    return lambda value: value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([double, lambda value: value], r"steps\[1\] is a .*<lambda> without a name of its own"),
        (Lambdad("label", _closure()), r"steps\.func\[0\] is a _closure.<locals>.<lambda>"),
        ({"file": sys.stderr.buffer}, r"steps.file is a \w+, which cannot be described"),
        ([[].append], r"steps\[0\] is a list.append without a name"),
    ],
)
def test_what_cannot_be_described_is_named(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        transform_fingerprint(value, name="steps")


def test_a_value_that_holds_itself() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(ValueError, match=r"transform\[0\] holds itself"):
        transform_fingerprint(value)

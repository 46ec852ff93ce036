from __future__ import annotations

import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from iac_components.visualization.overlays import overlay
from iac_components.visualization.overlays.overlay import (
    OverlayCase,
    write_overlay,
    write_overlay_sheet,
)
from iac_components.visualization.png import LARGEST_FILE, write_png

SHAPE = (24, 20, 6)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    kept: list[Figure] = []

    def keep(figure: Figure, path: str | Path) -> Path:
        kept.append(figure)
        return write_png(figure, path)

    monkeypatch.setattr(overlay, "write_png", keep)
    return kept


@pytest.fixture
def case(tmp_path: Path) -> OverlayCase:
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    image[0, 0, 0] = np.nan
    label = np.zeros(SHAPE, dtype=np.uint8)
    label[8:14, 6:12, 1:5] = 1
    label[10:12, 8:10, 1:5] = 2
    files = {"image": image, "prediction": np.roll(label, 1, axis=1), "label": label}
    for name, array in files.items():
        nibabel.save(
            nibabel.Nifti1Image(array, np.diag([1.0, 1.0, 8.0, 1.0])), tmp_path / f"{name}.nii.gz"
        )
    return OverlayCase("first", *(tmp_path / f"{name}.nii.gz" for name in files))


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_reference_lies_above_prediction(
    figures: list[Figure], case: OverlayCase, tmp_path: Path
) -> None:
    path = write_overlay(
        case.image_path,
        case.prediction_path,
        tmp_path / "overlay.png",
        label_path=case.label_path,
        class_names=["wall", "cavity"],
    )
    assert path.stat().st_size <= LARGEST_FILE
    (figure,) = figures
    assert len(figure.axes) == 8
    assert [axes.get_ylabel() for axes in figure.axes[::4]] == ["reference", "prediction"]
    assert legend(figure) == ["wall", "cavity"]
    # Image and two tinted classes in each panel; the tint of the prediction is the moved one.
    above, below = (axes.images[1].get_array() for axes in figure.axes[::4])
    assert all(len(axes.images) == 3 for axes in figure.axes)
    assert np.array_equal(np.roll(above[..., 3], 1, axis=0), below[..., 3])
    orange = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3) == (0xE6, 0x9F, 0)
    assert orange.all(axis=1).any()


def test_without_a_reference_the_image_alone_is_above(
    figures: list[Figure], case: OverlayCase, tmp_path: Path
) -> None:
    write_overlay(case.image_path, case.prediction_path, tmp_path / "overlay.png")
    assert figures[0].axes[0].get_ylabel() == "image"
    assert [len(axes.images) for axes in figures[0].axes[::4]] == [1, 3]
    assert legend(figures[0]) == ["class 1", "class 2"]


def test_pixels_have_the_aspect_of_the_spacing(
    figures: list[Figure], case: OverlayCase, tmp_path: Path
) -> None:
    for path in (case.image_path, case.prediction_path):
        stored = nibabel.load(path)
        nibabel.save(
            nibabel.Nifti1Image(np.asarray(stored.dataobj), np.diag([1.0, 3.0, 8.0, 1.0])), path
        )
    write_overlay(case.image_path, case.prediction_path, tmp_path / "overlay.png")
    assert all(axes.get_aspect() == 3.0 for axes in figures[0].axes)


def test_class_without_a_name_is_an_error(case: OverlayCase, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"class_names holds 1 name.*class 2 occurs"):
        write_overlay(
            case.image_path, case.prediction_path, tmp_path / "overlay.png", class_names=["wall"]
        )


def test_sheet_has_a_column_a_case(
    figures: list[Figure], case: OverlayCase, tmp_path: Path
) -> None:
    second = OverlayCase("second", case.image_path, case.prediction_path, case.label_path)
    write_overlay_sheet([case, second], tmp_path / "sheet.png")
    titles = [axes.get_title() for axes in figures[0].axes]
    assert titles == ["first", "second", "", ""]
    with pytest.raises(ValueError, match="no case"):
        write_overlay_sheet([], tmp_path / "none.png")


def test_empty_prediction_and_constant_image_are_drawn(case: OverlayCase, tmp_path: Path) -> None:
    for path in (case.image_path, case.prediction_path):
        nibabel.save(nibabel.Nifti1Image(np.zeros(SHAPE, dtype=np.uint8), np.eye(4)), path)
    assert write_overlay(case.image_path, case.prediction_path, tmp_path / "overlay.png").exists()


def test_real_cardiac_case(tmp_path: Path) -> None:
    shared = Path(os.environ.get("IAC_SHARED", "../shared"))
    folder = shared / "data/ACDC/training/patient001"
    image, label = (folder / f"patient001_frame01{end}.nii.gz" for end in ("", "_gt"))
    if not label.is_file():
        pytest.skip(f"needs {label}; point IAC_SHARED at the folder that holds data/ACDC")
    path = write_overlay(image, label, tmp_path / "overlay.png", label_path=label)
    assert path.stat().st_size <= LARGEST_FILE

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from iac_components.visualization.png import LARGEST_FILE, write_png


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_size_is_inches_times_110_dots(tmp_path: Path) -> None:
    path = write_png(Figure(figsize=(3, 2)), tmp_path / "plain.png")
    assert size(path) == (330, 220)


def test_noise_is_drawn_coarser_to_keep_the_file_small(tmp_path: Path) -> None:
    figure = Figure(figsize=(5, 5))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(np.random.default_rng(0).random((600, 600, 3)))
    path = write_png(figure, tmp_path / "noise.png")
    assert path.stat().st_size <= LARGEST_FILE
    assert size(path)[0] < 550


def test_very_long_figure_stays_below_3000_pixels(tmp_path: Path) -> None:
    path = write_png(Figure(figsize=(1, 60)), tmp_path / "long.png")
    assert size(path)[1] <= 3000


def test_failed_drawing_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "old.png"
    target.write_bytes(b"old")
    figure = Figure(figsize=(1, 1))

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("iac_components.common.files.atomic.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_png(figure, target)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]

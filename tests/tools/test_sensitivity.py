"""The grid of threshold and patience."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import benchmark_sensitivity as tool
import numpy as np
import pytest
from search_benchmark.clock import Seconds
from search_benchmark.costs import Cost
from search_benchmark.sensitivity import Grid, Point
from search_benchmark.sensitivity_page import draw_grid, render_grid, shades
from search_benchmark.settings import BenchmarkSettings

GRID = Grid((0.1, 0.3), (1, 2))


def points():
    cost = Cost(epochs=20, steps=80, running=Seconds(30.0, 20.0))
    first = Point(0.1, 1, cost, True, 0.81, {0: 0.81}, "sha256:0123456789ab")
    return [
        replace(first, threshold=threshold, patience=patience, decided=patience == 1)
        for threshold in GRID.thresholds
        for patience in GRID.patiences
    ]


def test_each_point_has_its_own_folder_and_settings(tmp_path):
    settings = BenchmarkSettings(
        bundle="hippocampus_unet",
        dataset_dir=tmp_path,
        output_dir=tmp_path,
        modes=["pruned"],
        seeds=[0],
        search_seeds={"pruned": [0]},
        search={"batch_size": 2},
    )
    found = GRID.searches(settings)
    assert [(threshold, patience) for threshold, patience, _ in found] == [
        (0.1, 1),
        (0.1, 2),
        (0.3, 1),
        (0.3, 2),
    ]
    assert len({benchmark.output_dir for *_, benchmark in found}) == 4
    assert found[-1][2].search == {
        "batch_size": 2,
        "stability#threshold": 0.3,
        "stability#patience": 2,
    }


def test_table_has_a_row_a_point():
    text = render_grid(points())
    assert "| 0.3 | 2 | 20 | no | 30.0 | 20.0 | 81.00 | `01234567` |" in text
    assert len(text.splitlines()) == 6


def test_picture_is_drawn(tmp_path):
    draw_grid(points(), GRID, tmp_path / "grid.png")
    assert (tmp_path / "grid.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("values", "expected"),
    [([84.0, 84.02], (83.51, 84.51)), ([13.0, 34.0], (13.0, 34.0)), ([5.0, 5.0], (4.5, 5.5))],
)
def test_small_differences_get_no_shades(values, expected):
    assert shades(np.array(values)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("--bundle", "liver_unet", "--bundle 'liver_unet' is none of"),
        ("--backbone_ckpt", "absent.pt", "is no file"),
        ("--train_steps", "0", "--train_steps must be at least 1"),
    ],
)
def test_bad_input_gives_one_line(tmp_path, capsys, name, value, message):
    backbone = tmp_path / "model.pt"
    backbone.write_bytes(b"")
    given = {
        "--bundle": "hippocampus_unet",
        "--dataset_dir": str(tmp_path),
        "--output_dir": str(tmp_path / "work"),
        "--out": str(tmp_path / "grid.json"),
        "--backbone_ckpt": str(backbone),
        name: value,
    }
    assert tool.main([word for pair in given.items() for word in pair]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not Path(given["--out"]).exists()


@pytest.mark.parametrize("option", ["--search", "--network"])
@pytest.mark.parametrize("text", ["{1", "[1]"])
def test_keys_must_be_an_object(tmp_path, capsys, option, text):
    folders = [f"--{name}={tmp_path}" for name in ("dataset_dir", "output_dir", "out")]
    needed = ["--bundle", "hippocampus_unet", "--backbone_ckpt", "model.pt", *folders]
    with pytest.raises(SystemExit):
        tool.main([*needed, option, text])
    assert f"{option}: must be a JSON object" in capsys.readouterr().err.splitlines()[-1]

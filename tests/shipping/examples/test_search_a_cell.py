"""The example runs on a phantom, and again passes over what is finished."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
from monai.utils import set_determinism

from iac_components.phantoms import write_phantom

SCRIPT = Path(__file__).parents[3] / "examples" / "search_a_cell.py"


def scores(text: str) -> str:
    """The table that the example prints, without the log of its trainings."""
    return "\n".join(line for line in text.splitlines() if " - INFO - " not in line)


@pytest.mark.filterwarnings("ignore")
def test_example_runs_and_continues(tmp_path, monkeypatch, capsys):
    dataset = write_phantom(
        tmp_path / "data", layout="decathlon", num_patients=10, shape=(20, 24, 16)
    )
    words = ["--epochs", "3", "--steps_per_epoch", "1"]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(dataset), str(tmp_path / "runs"), *words])
    try:
        runpy.run_path(str(SCRIPT), run_name="__main__")
        first = capsys.readouterr().out
        model = (tmp_path / "runs" / "cell" / "model.pt").stat().st_mtime_ns
        runpy.run_path(str(SCRIPT), run_name="__main__")
    finally:
        set_determinism(None)
    assert scores(first).count("Dice") == 2
    assert scores(capsys.readouterr().out) == scores(first)
    assert (tmp_path / "runs" / "cell" / "model.pt").stat().st_mtime_ns == model

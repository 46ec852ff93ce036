"""The notebook's code runs from top to bottom, on a phantom and with fewer steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from monai.utils import set_determinism

from iac_components.phantoms import write_phantom

NOTEBOOK = Path(__file__).parents[3] / "examples" / "first_cell.ipynb"
SHORT = """
DATASET = Path("data")
SHORT = {"epochs": 2, "steps_per_epoch": 1, "batch_size": 2}
TRAIN = SHORT
SEARCH = {**SHORT, "warmup_epochs": 1, "num_nodes": 1}
"""


@pytest.mark.filterwarnings("ignore")
def test_notebook_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    write_phantom("data", layout="decathlon", num_patients=10, shape=(20, 24, 16))
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names = {"__name__": "notebook"}
    tags = [tag for cell in cells for tag in cell["metadata"].get("tags", [])]
    assert tags == ["parameters"]
    try:
        for number, cell in enumerate(cells):
            if cell["cell_type"] == "code":
                code = "".join(cell["source"])
                code += SHORT if "parameters" in cell["metadata"].get("tags", []) else ""
                exec(compile(code, f"{NOTEBOOK.name}[{number}]", "exec"), names)
    finally:
        set_determinism(None)
    output = capsys.readouterr().out
    assert "output unchanged: True" in output
    assert "cell: Dice 0." in output
    for name in ("search/genotype.json", "cell/test/metrics.csv", "overlay.png"):
        assert (tmp_path / "runs" / name).is_file()


def test_notebook_explains_itself():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    kinds = [cell["cell_type"] for cell in cells]
    assert kinds[0] == "markdown"
    assert kinds.count("markdown") >= kinds.count("code") - 2
    assert max(len(cell["source"]) for cell in cells) < 30

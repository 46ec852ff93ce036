"""The example trains every network on a phantom and compares them."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
from monai.utils import set_determinism

from iac_components.phantoms import write_phantom
from iac_components.search_space import SearchSpace, random_genotype, save_genotype

SCRIPT = Path(__file__).parents[3] / "examples" / "compare_skip_modules.py"
NETWORKS = ("attention", "residual_path", "nested", "random cell", "found cell")


@pytest.mark.filterwarnings("ignore")
def test_example_compares(tmp_path, monkeypatch, capsys):
    dataset = write_phantom(
        tmp_path / "data", layout="decathlon", num_patients=5, shape=(18, 20, 16)
    )
    cell = tmp_path / "genotype.json"
    save_genotype(random_genotype(SearchSpace(2, num_nodes=1), seed=1), cell)
    runs = tmp_path / "runs"
    words = ["--genotype", str(cell), "--epochs", "1", "--steps_per_epoch", "1"]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(dataset), str(runs), *words])
    try:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    finally:
        set_determinism(None)
    output = capsys.readouterr().out
    assert "Reference: plain." in output
    assert all(f"| {name} |" in output for name in NETWORKS)
    assert (runs / "found_cell" / "model.pt").is_file()

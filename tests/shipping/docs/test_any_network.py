"""The page's code runs from top to bottom, and prints what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from monai.utils import set_determinism

from iac_components.networks.implanting import fusion
from iac_components.networks.implanting.topologies import catalogue

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "any-network.md"


@pytest.fixture
def registries(monkeypatch):
    """Registries that forget what the page registers."""
    monkeypatch.setattr(fusion, "_BLOCK_TYPES", list(fusion._BLOCK_TYPES))
    monkeypatch.setattr(catalogue, "_TOPOLOGIES", list(catalogue._TOPOLOGIES))


@pytest.mark.usefixtures("registries")
@pytest.mark.filterwarnings("ignore")
def test_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL))
    names = {"__name__": "how_to"}
    try:
        exec(compile(code, str(PAGE), "exec"), names)
    finally:
        set_determinism(None)
    printed = re.findall(r"```text\n(.*?)```", text, flags=re.DOTALL)
    output = capsys.readouterr().out
    assert printed
    assert all(block in output for block in printed)
    assert {path.name for path in tmp_path.iterdir()} >= {
        "plain.pt",
        "cell.pt",
        "genotype.json",
        "search_trace.csv",
    }
    for known in catalogue.known_networks()[:4]:
        assert known in text

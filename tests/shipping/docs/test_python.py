"""The page's code runs from top to bottom, and prints what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from monai.utils import set_determinism

PAGE = Path(__file__).parents[3] / "docs" / "python.md"


@pytest.mark.filterwarnings("ignore")
def test_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL))
    names = {"__name__": "python_page"}
    try:
        exec(compile(code, str(PAGE), "exec"), names)
    finally:
        set_determinism(None)
    output = capsys.readouterr().out
    printed = re.findall(r"```text\n(.*?)```", text, flags=re.DOTALL)
    assert printed
    assert all(block in output for block in printed)
    image = torch.rand(1, 1, 32, 32)
    assert torch.equal(names["fresh"].eval()(image), names["again"].eval()(image))
    for run, files in re.findall(r"^\| `(\w+)` \| (.*) \|$", text, flags=re.MULTILINE):
        folder = {
            "train": "runs/cell",
            "search_cell": "runs/search",
            "search_topology": "runs/topology",
            "evaluate": "runs/cell/test",
        }.get(run)
        if folder is not None:
            assert all(
                (tmp_path / folder / name).exists() for name in re.findall(r"`(.*?)`", files)
            )
    images = list((tmp_path / "Task04_Hippocampus" / "imagesTr").glob("*.nii.gz"))
    assert len(list((tmp_path / "masks").glob("*_seg.nii.gz"))) == len(images) > 0

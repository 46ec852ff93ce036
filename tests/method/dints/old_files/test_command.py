"""The command that converts an old file, and fails in one line."""

from __future__ import annotations

import json
import runpy
import sys

import pytest
import torch
from old_topologies import FOUND, attacks, zoo

from iac_components.dints.__main__ import main
from iac_components.dints.topology import load_architecture
from iac_components.dints.topology_grid import DintsSpace


def test_command_writes_the_architecture(old, tmp_path, capsys):
    torch.save(zoo(), old)
    new = tmp_path / "new" / "architecture.json"
    main(["convert", str(old), str(new), "--channel_mul", "0.5", "--no_downsample"])
    assert capsys.readouterr().out == f"{new}\n"
    found = load_architecture(new, space=DintsSpace(12, 4, 3, False, 0.5))
    assert found.blocks == FOUND.blocks
    assert json.loads(new.read_text(encoding="utf-8"))["provenance"]["best_dsc"] == 0.75


@pytest.mark.parametrize("arguments", [[], ["--channel_mul", "-1"]])
def test_command_fails_in_one_line_and_writes_nothing(old, trace, tmp_path, capsys, arguments):
    torch.save(zoo(best_dsc=attacks(trace)["mkdir"]), old)
    with pytest.raises(SystemExit) as caught:
        main(["convert", str(old), str(tmp_path / "new.json"), *arguments])
    assert caught.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert "error: " in lines[-1]
    assert "Traceback" not in "".join(lines)
    assert [path.name for path in tmp_path.iterdir()] == [old.name]


def test_command_is_found_by_python_m(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["dints", "convert", "--help"])
    # As in a fresh process: another test may have imported it.
    monkeypatch.delitem(sys.modules, "iac_components.dints.__main__", raising=False)
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("iac_components.dints", run_name="__main__")
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert "NEW.json" in shown
    assert "--no_downsample" in shown

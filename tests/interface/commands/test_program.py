"""The command line as a whole: help, errors, and what is set before torch is loaded."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import iac_components
from iac_components.__main__ import main
from iac_components.interface import program

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", program.COMMANDS)
def test_every_command_has_help_with_an_example(iac, name):
    ended = iac(name, "--help")
    assert ended.status == 0
    assert f"usage: iac {name}" in ended.out
    assert f"\n  iac {name} " in ended.out.partition("example:")[2]
    assert "``" not in ended.out


@pytest.mark.parametrize("name", program.COMMANDS)
def test_examples_are_commands_that_parse(name):
    module = importlib.import_module(f"iac_components.interface.commands.{name}")
    lines = module.EXAMPLE.replace("\\\n", " ").strip().splitlines()
    for line in lines:
        program_name, command, *words = line.split()
        assert (program_name, command) == ("iac", name)
        program.add_command(name).parse_args(words)


def test_without_a_command_help_lists_all(iac):
    ended = iac()
    assert ended.status == 0
    assert all(f"\n    {name} " in ended.out for name in program.COMMANDS)


def test_version(iac):
    assert iac("--version").out.strip() == iac_components.__version__


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["plot"], "the following arguments are required: FOLDER"),
        (["plot", "a", "--colour", "red"], "unrecognized arguments: --colour red"),
        (["compare", "a", "b", "--margin", "x"], "argument --margin: invalid float value: 'x'"),
        (["plot", "nowhere"], "iac plot: error: 'nowhere' holds no search_trace.csv"),
        (["convert", "nowhere.pt", "new.json"], "nowhere.pt"),
        (["package", "nowhere", "--out", "dist"], "'nowhere' is not a folder"),
    ],
)
def test_bad_input_is_one_line_and_status_two(iac, monkeypatch, tmp_path, words, message):
    monkeypatch.chdir(tmp_path)
    ended = iac(*words)
    assert ended.status == 2
    assert message in ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err
    assert list(tmp_path.iterdir()) == []


class Broken:
    """A command that raises."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def run(self, options: object) -> None:
        raise self.error


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("of a library")], ids=repr)
def test_a_bug_keeps_its_traceback(iac, monkeypatch, error):
    monkeypatch.setattr("iac_components.interface.commands.plot.run", Broken(error).run)
    with pytest.raises(type(error)):
        iac("plot", "x")


def test_interruption_has_its_status(iac, monkeypatch):
    monkeypatch.setattr(
        "iac_components.interface.commands.plot.run", Broken(KeyboardInterrupt()).run
    )
    assert iac("plot", "x").status == 130


@pytest.mark.parametrize(("before", "after"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_waiting_threads_sleep_unless_the_user_says_otherwise(monkeypatch, before, after):
    monkeypatch.setenv("OMP_WAIT_POLICY", before or "")
    if before is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    main(["--version"])
    assert os.environ["OMP_WAIT_POLICY"] == after


SCRIPTS = [*(ROOT / "tools").glob("*.sh"), *(ROOT / "tools" / "slurm").iterdir()]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shell_scripts_set_it_too(script):
    text = script.read_text(encoding="utf-8")
    starts_torch = any(word in text for word in ("monai.bundle", "pytest", "torchrun"))
    assert not starts_torch or "OMP_WAIT_POLICY=" in text.replace('"', "").replace("$", "")


def test_help_loads_no_torch_and_the_policy_is_set_first():
    code = (
        "import os, sys\n"
        "os.environ.pop('OMP_WAIT_POLICY', None)\n"
        "from iac_components.__main__ import main\n"
        "main(['--help'])\n"
        "assert 'torch' not in sys.modules, 'torch'\n"
        "assert os.environ['OMP_WAIT_POLICY'] == 'PASSIVE'\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)


def test_the_console_script_is_this_program():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '\niac = "iac_components.__main__:main"\n' in text
    assert program.run.__module__ == "iac_components.interface.program"

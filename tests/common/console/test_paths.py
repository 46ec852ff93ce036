"""A file or folder has the name that the user gave, whatever Fire and MONAI's parser make of it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import fire
import monai.bundle
import pytest
from monai.bundle import ConfigWorkflow, create_workflow

from iac_components.common.console.brief_errors import brief_message
from iac_components.common.console.paths import PATH_OPTIONS, PathError

CONFIG = {
    "imports": ["$from iac_components.paths import take_paths_as_typed"],
    "seen": "$[]",
    **dict.fromkeys(PATH_OPTIONS, "default"),
    "cache_dir": None,
    "folds_file": "$@output_dir + '/folds.json'",
    "component": {"_target_": "dict", "output_dir": "@output_dir", "deep": ["@checkpoint"]},
    "initialize": ["$take_paths_as_typed()"],
    "run": ["$@seen.append(@component)"],
}

NAMES = [
    "a#b",
    "results#2",
    "#",
    "a#b::c",
    "2024",
    "007",
    "1e3",
    "0x10",
    "1.50",
    "-5",
    "[a]",
    "[1, 2]",
    "(a)",
    "{a: b}",
    "a,b",
    "True",
    "a b",
    " a",
    "über/çé",
    "日本",
    "a@b",
    "a$b",
    "a%b",
    "./@a",
    "./$a",
    "./%a",
    "x@#a",
    "out/",
    "../out",
    "it's",
    'a"b',
    "a=b",
    "a*?",
    "a\\b",
]


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG), encoding="utf-8")
    return path


@pytest.fixture
def command(config, monkeypatch):
    """Return a function that runs ``python -m monai.bundle run`` in this process."""

    def run(*words):
        made = []
        monkeypatch.setattr(
            "iac_components.common.console.typed_options.is_monai_command", lambda: True
        )
        arguments = ["run", "--config_file", str(config), "--logging_file", "False", *words]
        monkeypatch.setattr(sys, "argv", ["monai.bundle", *arguments])
        start = ConfigWorkflow.__init__
        monkeypatch.setattr(
            ConfigWorkflow,
            "__init__",
            lambda self, *a, **k: (made.append(self), start(self, *a, **k))[1],
        )
        fire.Fire({"run": monai.bundle.run}, command=arguments)
        return made[0].parser.get_parsed_content

    return run


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("option", ["output_dir", "checkpoint"])
def test_name_on_the_command_line(command, name, option):
    read = command(f"--{option}", name)
    assert read(option) == name
    if option == "output_dir":
        assert read("folds_file") == f"{name}/folds.json"
        assert read("component") == {"output_dir": name, "deep": ["default"]}
    else:
        assert read("component")["deep"] == [name]


@pytest.mark.parametrize("option", PATH_OPTIONS)
def test_every_path_option(command, option):
    assert command(f"--{option}=2024#1")(option) == "2024#1"


def test_spellings_of_a_flag(command):
    assert command("--output-dir=1#2")("output_dir") == "1#2"
    assert command("-output_dir", "1")("output_dir") == "1"
    assert command("--output_dir", "1", "--output_dir", "2")("output_dir") == "2"
    assert command("--output_dir", "'2024'")("output_dir") == "2024"
    assert command("--output_dir", "'it")("output_dir") == "'it"


def test_expressions_stay_monai_s(command):
    read = command(
        "--output_dir", "@dataset_dir", "--ckpt_dir", "$@dataset_dir + '#'", "--dataset_dir", "1"
    )
    assert read("output_dir") == "1"
    assert read("ckpt_dir").startswith("1")


def test_home(command, monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    assert command("--output_dir", "~/out")("folds_file") == "/home/someone/out/folds.json"
    assert command("--output_dir", "./~")("output_dir") == "./~"


@pytest.mark.parametrize("value", ["None", "null", "none"])
def test_nothing(command, value):
    assert command("--backbone_ckpt", value)("backbone_ckpt") is None
    with pytest.raises(RuntimeError) as caught:
        command("--output_dir", value)
    message = brief_message(caught.value)
    assert message.startswith(f"PathError: --output_dir is {value}, but")
    assert f"./{value}" in message


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (os.fsdecode(b"caf\xe9"), "not UTF-8"),
        ("x" * 300, "too long"),
    ],
)
def test_name_that_no_file_can_have(command, value, reason):
    with pytest.raises(RuntimeError) as caught:
        command("--dataset_dir", value)
    message = brief_message(caught.value)
    assert message.startswith("PathError: --dataset_dir is ")
    assert reason in message
    assert message.isascii()
    assert "\n" not in message


def test_name_in_a_file_or_a_call(config, tmp_path):
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"output_dir": "in#file", "ckpt_dir": "a#b"}), encoding="utf-8")
    workflow = create_workflow(
        config_file=[str(config), str(settings)], logging_file=False, ckpt_dir="in#call",
        dataset_dir=Path("some") / "path",
    )  # fmt: skip
    read = workflow.parser.get_parsed_content
    assert read("output_dir") == "in#file"
    assert read("folds_file") == "in#file/folds.json"
    assert read("ckpt_dir") == "in#call"
    assert read("dataset_dir") == "some/path"


def test_what_a_client_sets_afterwards_counts(config):
    """MONAI Label and federated clients change a workflow that was made."""
    workflow = ConfigWorkflow(str(config), logging_file=False)
    workflow.parser["output_dir"] = "client"
    workflow.initialize()
    assert workflow.parser.get_parsed_content("output_dir") == "client"


def test_name_that_cannot_be_told(config):
    """Made without MONAI's command, a workflow does not keep what it was given."""
    workflow = ConfigWorkflow(str(config), logging_file=False, output_dir="a#b")
    with pytest.raises(RuntimeError) as caught:
        workflow.initialize()
    message = brief_message(caught.value)
    assert message.startswith("PathError: --output_dir is 'a::b'")
    assert issubclass(PathError, ValueError)

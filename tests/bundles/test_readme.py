"""What a README tells a user to type exists: files, options, commands."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from pathlib import Path

import monai.bundle
import pytest
from monai.bundle import ConfigParser

BUNDLES = Path(__file__).parents[2] / "bundles"
ROOTS = sorted(BUNDLES.iterdir())
every_bundle = pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.name)


def readme(root: Path) -> str:
    return (root / "docs" / "README.md").read_text(encoding="utf-8")


def commands(root: Path) -> list[list[str]]:
    """The words of every command after ``python -m monai.bundle``."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", readme(root), flags=re.MULTILINE | re.DOTALL)
    # A block of data names its language; every other block is commands.
    shell = [block for language, block in blocks if language != "json"]
    lines = [shlex.split(line) for block in shell for line in block.splitlines() if line]
    assert all(line[:3] == ["python", "-m", "monai.bundle"] for line in lines)
    return [line[3:] for line in lines]


def options(words: list[str]) -> dict[str, str]:
    """``--name value`` pairs; a value such as ``<folder of images>`` has several words."""
    found: dict[str, str] = {}
    for word in words:
        if word.startswith("--"):
            found[word[2:]] = ""
        elif found:
            name = list(found)[-1]
            found[name] = f"{found[name]} {word}".strip()
    return found


def config_files(value: str) -> list[str]:
    return ast.literal_eval(value) if value.startswith("[") else [value]


def configs_of(root: Path) -> list[Path]:
    return sorted(p for p in (root / "configs").glob("*.json") if p.name != "metadata.json")


@every_bundle
def test_every_run_command_exists(root):
    runs = [words[1:] for words in commands(root) if words[0] == "run"]
    assert runs
    for words in runs:
        given = options(words)
        files = [root / name for name in config_files(given.pop("config_file"))]
        assert all(file.is_file() for file in files), files
        parser = ConfigParser()
        parser.read_config([str(file) for file in files])
        assert "dataset_dir" in given
        assert [name for name in given if name not in parser] == []


@every_bundle
def test_switches_are_understood_as_they_are_typed(root):
    config = configs_of(root)[-1].read_text(encoding="utf-8")
    for words in commands(root):
        for name, value in options(words).items() if words[0] == "run" else ():
            if value.lower() in ("true", "false"):
                assert f"flag(@{name}, '{name}')" in config


@every_bundle
def test_every_other_command_exists(root):
    for verb, *words in commands(root):
        if verb == "run":
            continue
        function = getattr(monai.bundle, verb)
        given = options(words)
        assert set(given) <= set(inspect.signature(function).parameters)
        for name in ("config_file", "meta_file"):
            assert (root / given[name]).is_file()


@every_bundle
def test_every_option_in_the_text_exists(root):
    prefix = root.name.rpartition("_")[0]
    parsers = []
    for sibling in BUNDLES.glob(f"{prefix}_*"):
        for path in configs_of(sibling):
            parsers.append(ConfigParser(ConfigParser.load_config_file(str(path))))
    allowed = {"config_file", *inspect.signature(monai.bundle.ckpt_export).parameters}
    named = set(re.findall(r"--([A-Za-z_][\w#]*)", readme(root))) - allowed
    assert named
    # An option may set what a config leaves to a default: the object it belongs to must exist.
    unknown = [
        name
        for name in named
        if not any(name in parser or name.rpartition("#")[0] in parser for parser in parsers)
    ]
    assert unknown == []


@every_bundle
def test_output_files_are_named(root):
    expected = {
        "search": ["genotype.json", "search_trace.csv", "top_k.json", "cell.png", "folds.json"],
        "train": ["models/model.pt", "models/model_final.pt", "metrics.csv", "metrics.json"],
        "inference": ["_seg.nii.gz", "genotype.json", "model.pt"],
    }[root.name.rpartition("_")[2]]
    text = readme(root)
    assert [name for name in expected if name not in text] == []
    assert "$" not in re.sub(r"```.*?```", "", text, flags=re.DOTALL)

"""Check that the files, options, commands and headings that a README names exist."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from collections.abc import Iterator

import monai.bundle

from tools.maintenance.verification.bundle import STAGES, Bundle
from tools.maintenance.verification.checks.registry import register_check
from tools.maintenance.verification.workbench import Workbench

__all__ = ["check_readme", "commands", "options"]

FILE = "docs/README.md"
HEADINGS = (
    "Authors",
    "Tags",
    "Model Description",
    "Data",
    "Preprocessing",
    "Performance",
    "Additional Usage Steps",
    "System Configuration",
    "Limitations",
    "Citation",
    "References",
    "License",
)
LAUNCHERS = ("python", "torchrun")
DATA_LANGUAGES = ("json", "csv", "text")


def commands(bundle: Bundle) -> list[list[str]]:
    """List the words of each command in the README's blocks that name no other language."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", bundle.readme(), flags=re.MULTILINE | re.DOTALL)
    shell = [block for language, block in blocks if language not in DATA_LANGUAGES]
    text = "\n".join(shell).replace("\\\n", " ")
    return [shlex.split(line) for line in text.splitlines() if line.strip()]


def options(words: list[str]) -> dict[str, str]:
    """``--name value`` pairs; a value such as ``<folder of images>`` has several words."""
    found: dict[str, str] = {}
    for word in words:
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            found[name] = value
        elif found:
            name = list(found)[-1]
            found[name] = f"{found[name]} {word}".strip()
    return found


@register_check("readme")
def check_readme(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check that the model zoo's headings are there, and commands, options and files work."""
    text = bundle.readme()
    found = re.findall(r"^#+ +\**([^*\n]+?)\** *$", text, flags=re.MULTILINE)
    if tuple(heading for heading in found if heading in HEADINGS) != HEADINGS:
        yield f"{FILE}: headings are not, in this order, {', '.join(HEADINGS)}"
    yield from (
        f"{FILE}: does not name {name}"
        for name in bundle.method.readme_outputs[bundle.stage]
        if name not in text
    )
    if "$" in re.sub(r"```.*?```", "", text, flags=re.DOTALL):
        yield f"{FILE}: holds a '$' that rendering left"
    if bundle.name not in text:
        yield f"{FILE}: does not name the bundle"
    yield from _commands(bundle)
    yield from _options(bundle, text)


def _commands(bundle: Bundle) -> Iterator[str]:
    runs = 0
    for words in commands(bundle):
        line = shlex.join(words)
        if words[0] not in LAUNCHERS or "monai.bundle" not in words:
            yield f"{FILE}: no command of MONAI's: {line}"
            continue
        verb, *rest = words[words.index("monai.bundle") + 1 :] or [""]
        given = options(rest)
        runs += verb == "run"
        if not hasattr(monai.bundle, verb):
            yield f"{FILE}: monai.bundle has no command '{verb}': {line}"
        elif verb == "run":
            yield from _run(bundle, given, line)
        else:
            known = inspect.signature(getattr(monai.bundle, verb)).parameters
            yield from (f"{FILE}: {verb} has no option --{n}" for n in given if n not in known)
            for name in ("config_file", "meta_file"):
                yield from (fault for fault in _files(bundle, given.get(name, "")))
    if not runs:
        yield f"{FILE}: has no 'monai.bundle run' command"


def _run(bundle: Bundle, given: dict[str, str], line: str) -> Iterator[str]:
    value = given.pop("config_file", "")
    faults = list(_files(bundle, value))
    yield from faults or ([] if value else [f"{FILE}: no --config_file: {line}"])
    if faults or not value:
        return
    parser = bundle.parse([bundle.root / name for name in _config_files(value)])
    yield from (
        f"{FILE}: no config has a key --{name}: {line}" for name in given if name not in parser
    )
    if "dataset_dir" not in given:
        yield f"{FILE}: no --dataset_dir: {line}"


def _config_files(value: str) -> list[str]:
    return [str(name) for name in ast.literal_eval(value)] if value.startswith("[") else [value]


def _files(bundle: Bundle, value: str) -> Iterator[str]:
    for name in _config_files(value):
        if not (bundle.root / name).is_file():
            yield f"{FILE}: names '{name}', which does not exist"


def _options(bundle: Bundle, text: str) -> Iterator[str]:
    """Check that every ``--option`` in the text is a key of a config of the three bundles."""
    parsers = [
        sibling.merged(path)
        for sibling in map(bundle.sibling, STAGES)
        for path in sibling.config_files
    ]
    verbs = (monai.bundle.ckpt_export, monai.bundle.download)
    allowed = {"config_file", *(n for verb in verbs for n in inspect.signature(verb).parameters)}
    for words in commands(bundle):
        before = words[: words.index("monai.bundle")] if "monai.bundle" in words else words
        allowed |= set(options(before))
    for name in sorted(set(re.findall(r"--([A-Za-z_][\w#]*)", text)) - allowed):
        # An option may set what a config leaves to a default: the object it belongs to exists.
        parent = name.rpartition("#")[0]
        if not any(name in parser or (parent and parent in parser) for parser in parsers):
            yield f"{FILE}: --{name} is no key of any config"

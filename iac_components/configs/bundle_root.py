"""The folder of the bundle whose config is being evaluated."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType

from monai.bundle import ConfigParser

from iac_components.common.console.config_stack import frames, running_parser, running_workflow

__all__ = ["find_bundle_root"]

_CONFIGS = "configs"
_SUFFIXES = tuple(f".{suffix}" for suffix in ConfigParser.suffixes)
_LONGEST = 4096
_LIKENESS = 0.5
"""Share of a file's keys that must have the config's values: the others may be overridden."""


def find_bundle_root() -> str:
    """Find the folder above the config file that is being evaluated.

    A workflow knows its file. A ``ConfigParser`` on its own does not: it keeps what it read, and
    not where. The caller does: its variables, the attributes of its ``self`` and its literals are
    searched, innermost caller first, for a path of a file that holds this config, or of a folder
    with one.

    Returns:
        An absolute path. Where nobody knows the file, the working directory.
    """
    workflow = running_workflow()
    if workflow is not None:
        return str(_above(Path(workflow.config_root_path) / "any"))
    config = running_parser().get()
    best, likeness = Path.cwd(), _LIKENESS
    for file in dict.fromkeys(_files()):
        found = _likeness(file, config)
        if found > likeness:
            best, likeness = _above(file), found
    return str(best)


def _above(file: Path) -> Path:
    folder = file.absolute().parent
    return folder.parent if folder.name == _CONFIGS else folder


def _files() -> Iterator[Path]:
    """Yield the config files that callers name, and those in folders that they name."""
    for path in dict.fromkeys(path for frame in frames() for path in _paths(frame)):
        if path.suffix.lower() in _SUFFIXES:
            if path.is_file():
                yield path
        elif (path / _CONFIGS).is_dir():
            yield from _within(path / _CONFIGS)
    yield from _within(Path(_CONFIGS))


def _within(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.glob("*")) if path.suffix.lower() in _SUFFIXES)


def _paths(frame: FrameType) -> Iterator[Path]:
    owner = frame.f_locals.get("self")
    values = [*frame.f_locals.values(), *frame.f_code.co_consts]
    if not isinstance(owner, ConfigParser):
        values += getattr(owner, "__dict__", {}).values()
    for value in values:
        for item in value if type(value) in (list, tuple) else (value,):
            if isinstance(item, os.PathLike) or _may_be_path(item):
                yield Path(os.fspath(item))


def _may_be_path(value: object) -> bool:
    # What stands between two commas may be one as well, but is a client's list as one text.
    return isinstance(value, str) and 0 < len(value) < _LONGEST and value.isprintable()


def _likeness(file: Path, config: Mapping[str, object]) -> float:
    """Return the share of a file's keys whose values the config has."""
    try:
        content = ConfigParser.load_config_file(str(file))
    # Any file of a caller: what cannot be read is not this config.
    except Exception:
        return 0.0
    if not isinstance(content, Mapping) or not content:
        return 0.0
    missing = object()
    same = sum(bool(config.get(key, missing) == value) for key, value in content.items())
    return same / len(content)

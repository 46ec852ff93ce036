"""Files that handlers of a config load when the run starts, such as MONAI's CheckpointLoader."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from monai.bundle import ConfigParser

from iac_components.engine.records.weights_record import read_run

__all__ = ["LoadedFile", "is_loader", "loaded_files"]

_PATH = "load_path"
_NOT_RECORDED = (_PATH, "_target_", "_desc_", "_requires_", "_disabled_", "map_location", "name")
_SAVERS = ("ResumableCheckpoint", "RunCheckpoints", "SearchCheckpoints")


@dataclass(frozen=True)
class LoadedFile:
    """File that a handler loads, and the part of it that is used.

    Attributes:
        place: the handler in the config, by kinds: its number changes with what others prepend.
        content: SHA-256 of the file, and how it is loaded.
        run: digest of the run that wrote it, None for a file of another origin.
    """

    place: str
    content: str
    run: str | None


def is_loader(component: object) -> bool:
    """Recognize a component that loads a file when the run starts: it has MONAI's ``load_path``."""
    return isinstance(component, Mapping) and "_target_" in component and _PATH in component


def loaded_files(parser: ConfigParser) -> list[LoadedFile]:
    """Read the files that the loaders of a config will load, wherever they are in it.

    Raises:
        FileNotFoundError: if such a file does not exist.
        ValueError: if a loader stands behind the handler that resumes: it would load over that.
    """
    _require_order(parser.get("train::handlers") if "train::handlers" in parser else None)
    found: list[LoadedFile] = []
    for where, names, loader in _loaders(parser.get(), "", ()):
        if not _is_disabled(parser, where, loader):
            place = "#".join(names)
            count = sum(file.place.partition(" ")[0] == place for file in found)
            found.append(_read(parser, where, f"{place} {count + 1}" if count else place, loader))
    return found


def _loaders(
    config: object, where: str, names: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...], Mapping[str, object]]]:
    """Yield id, names on the way and content of every loader below ``config``."""
    if is_loader(config):
        yield where, names, cast(Mapping[str, object], config)
    elif isinstance(config, dict | list):
        for key, value in config.items() if isinstance(config, dict) else enumerate(config):
            if where or key != ConfigParser.meta_key:
                name = _kind(value) if isinstance(config, list) else str(key)
                here = f"{where}::{key}" if where else str(key)
                yield from _loaders(value, here, (*names, name))


def _kind(value: object) -> str:
    target = value.get("_target_", "") if isinstance(value, Mapping) else ""
    return str(target).rpartition(".")[2]


def _is_disabled(parser: ConfigParser, where: str, loader: Mapping[str, object]) -> bool:
    if "_disabled_" not in loader:
        return False
    return str(parser.get_parsed_content(f"{where}::_disabled_")).lower() == "true"


def _read(parser: ConfigParser, where: str, place: str, loader: Mapping[str, object]) -> LoadedFile:
    path = Path(str(parser.get_parsed_content(f"{where}::{_PATH}"))).expanduser()
    if not path.is_file():
        option = f"{where}::{_PATH}".replace("::", "#")
        raise FileNotFoundError(f"--{option} is '{path}': there is no such file to load.")
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    how = {key: value for key, value in loader.items() if key not in _NOT_RECORDED}
    text = json.dumps(how, sort_keys=True, default=lambda value: type(value).__qualname__)
    run = read_run(path)
    own = None if run is None else cast(str | None, run.get("digest"))
    return LoadedFile(place, f"sha256:{digest} {text}", own)


def _require_order(handlers: object) -> None:
    kinds = [_kind(item) for item in handlers] if isinstance(handlers, list) else []
    saver = next((kind for kind in kinds if kind in _SAVERS), None)
    if saver is None:
        return
    late = cast("list[object]", handlers)[kinds.index(saver) :]
    for kind in (_kind(item) for item in late if is_loader(item)):
        raise ValueError(
            f"train#handlers: {kind} stands behind {saver}, and would load over what is resumed. "
            "Put it first."
        )

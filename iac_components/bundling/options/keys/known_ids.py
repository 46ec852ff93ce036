"""Ids that the config files of a run define."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from monai.bundle import ConfigParser, ConfigWorkflow
from monai.bundle.reference_resolver import ReferenceResolver
from monai.bundle.utils import MERGE_KEY

from iac_components.bundling.options.keys.aliases import meant_key
from iac_components.common.console.config_stack import WorkflowCall

__all__ = ["SEPARATOR", "defined_ids", "nearest", "referred_ids", "strings"]

SEPARATOR = "::"
_STEPS = ("initialize::", "run::", "finalize::")
_METADATA = "metadata"


def defined_ids(workflow: ConfigWorkflow, call: WorkflowCall | None) -> dict[str, object]:
    """Return the ids that the config files of a run define (``train::trainer``), at every depth.

    A workflow keeps its config, and not which part of it came from a file. So the files are taken
    from the call that made it, as MONAI's command does; for a workflow made by hand, they are all
    those in the folder of its first file.
    """
    if call is not None and call.config_file is not None:
        files = ConfigParser.load_config_files(call.config_file)
        return dict(_ids(files))
    suffixes = tuple(f".{suffix}" for suffix in ConfigParser.suffixes)
    found: dict[str, object] = {}
    for path in sorted(Path(workflow.config_root_path).glob("*")):
        if path.suffix in suffixes and path.stem != _METADATA:
            # Steps are replaced as a whole: those of another stage are not run.
            found = {key: value for key, value in found.items() if not key.startswith(_STEPS)}
            found.update(_ids(_load(path)))
    return found


def _load(path: Path) -> object:
    try:
        return ConfigParser.load_config_file(str(path))
    # Another file of the folder, which this run may not use, must not end it.
    except Exception:
        return {}


def _ids(config: object, where: str = "") -> Iterator[tuple[str, object]]:
    """Yield every id below ``config`` with its value; ``a#b`` and ``+a`` are ids as well."""
    if isinstance(config, dict):
        pairs: Iterable[tuple[str, object]] = ((str(k), v) for k, v in config.items())
    elif isinstance(config, list):
        pairs = ((str(index), item) for index, item in enumerate(config))
    else:
        return
    for key, value in pairs:
        name = ReferenceResolver.normalize_id(key.removeprefix(MERGE_KEY))
        here = f"{where}{SEPARATOR}{name}" if where else name
        parts = name.split(SEPARATOR)
        # What a key like a::b lies below; what lies above it has been given with its value.
        for count in range(1, len(parts)):
            yield here.removesuffix(SEPARATOR + SEPARATOR.join(parts[count:])), None
        yield here, value
        yield from _ids(value, here)


def referred_ids(config: object) -> set[str]:
    """List the ids that any text below ``config`` refers to by ``@``."""
    return {
        reference
        for _, text in strings(config)
        for reference in ReferenceResolver.match_refs_pattern(text)
    }


def strings(config: object, where: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text below ``config`` with its id; keys that begin with ``_`` are left out."""
    if isinstance(config, str):
        yield where, config
    elif isinstance(config, dict | list):
        for key, value in config.items() if isinstance(config, dict) else enumerate(config):
            if where or key != ConfigParser.meta_key:
                yield from strings(value, f"{where}{SEPARATOR}{key}" if where else str(key))


def nearest(key: str, known: Collection[str], *, before: str = "") -> str:
    """Return the known key that ``key`` stands for, or the most similar one.

    Args:
        key: that is unknown.
        known: those that are not.
        before: what is put in front of it: the place of all of them.
    """
    meant = None if before else meant_key(key, known)
    if meant is not None:
        return f"The nearest known key is --{meant}."
    matches = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.0)
    return f"The nearest known key is --{before}{matches[0]}." if matches else "It takes none."

"""Record of a run, read from the bundle config that is being evaluated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import ignite.distributed as idist
from monai.bundle import ConfigParser, ReferenceResolver

from iac_components.common.console.config_stack import running_parser
from iac_components.engine.records.loaded_files import is_loader, loaded_files
from iac_components.engine.records.run_record import (
    LOADED_BY,
    CaseList,
    RunRecord,
    package_versions,
)

__all__ = ["Entries", "data_parts", "list_cases", "read_settings", "record_run"]

Entries = Sequence[Mapping[str, object]]

_PLACES = (
    "bundle_root bundle_code dataset_dir output_dir ckpt_dir folds_file cache_dir checkpoint "
    "backbone_ckpt genotype_path architecture_path"
)
"""Paths; the files there are recorded by their digests."""

_MACHINE = (
    "device amp channels_last checkpointing num_workers train#dataloader#num_workers "
    "train#dataset#cache_dir train#architecture_dataset#cache_dir "
    "train#architecture_dataloader#num_workers supernet#checkpointing network_def#checkpointing "
    "train#trainer#device train#trainer#amp"
)
"""Settings of the machine, which may change; mixed precision goes with the device."""

_REPORTS = (
    "resume val_interval regions settings run_record check_steps folders session save_result "
    "validate#handlers "
    "validate#dataset validate#dataloader validate#evaluator train#summary train#checkpoint "
    "train#trainer#train_handlers train#used_parts train#all_parts voxel_size_range"
)
"""Settings that only observe the run: the interval of validation changes no weight."""

_LENGTH = "epochs train#trainer#max_epochs"
"""Length, which may grow: the record keeps it apart."""

_DATA = "train#dataset#data train#architecture_dataset#data"
"""Datalists, recorded by their cases."""

_FRAME = (
    "_meta_ imports initialize run finalize "
    "tracking_uri experiment_name run_name save_execute_config is_not_rank0"
)
"""MONAI's own keys, and those that its ``--tracking`` adds."""

_LEFT_OUT = frozenset(" ".join((_PLACES, _MACHINE, _REPORTS, _LENGTH, _DATA, _FRAME)).split())

_WATCHERS = (
    "StatsHandler TensorBoardStatsHandler MLFlowHandler ClearMLStatsHandler LogfileHandler "
    "ValidationHandler CheckpointSaver RunProgress EpochMetrics FinalModel "
    "ResumableCheckpoint RunCheckpoints SearchCheckpoints "
    "SynchronizedGradients"
)
"""Handlers that change no number of a run; those that load a file are recorded by its content."""

_WEIGHTS = ("model.pt", "model_final.pt")
"""Files that a training writes into ``ckpt_dir``."""

_GENOTYPE, _READS_GENOTYPE = "genotype_path", "iac"
"""The option that names a genotype, and the skip module that reads it."""

_WORDS = {"true": True, "false": False, "null": None, "none": None}


def record_run(
    stage: str,
    *,
    parts: Mapping[str, Entries] | None = None,
    files: Mapping[str, str | Path | None] | None = None,
) -> RunRecord:
    """Record all that defines the run of the calling config.

    Every entry of the config counts, whatever the user changed, but for places, the machine, what
    only looks at the run, and its length (see the lists of this module).

    Args:
        stage: what kind of run it is.
        parts: the datalists that it uses, by name; None takes those of :func:`data_parts`.
        files: the files that it begins with, by the option that names them; None where there is
            none. Of a JSON file everything but its ``provenance`` counts. A genotype does so only
            for the skip module that reads it.

    Raises:
        ValueError: if the run would write its weights over a file that it begins with, or load one
            over what it resumes.
        FileNotFoundError: if a handler is to load a file that does not exist.
    """
    parser = running_parser()
    files = dict(files or {})
    if "skip_module" in parser and parser.get_parsed_content("skip_module") != _READS_GENOTYPE:
        files = {name: None if name == _GENOTYPE else path for name, path in files.items()}
    if parts is None:
        parts = {n: parser.get_parsed_content(where) for n, where in data_parts(parser).items()}
    _require_apart(parser, files)
    config = cast(Mapping[str, object], parser.get())
    loaded = loaded_files(parser)
    options = {name: _value(parser, name) for name in config if _is_option(parser, name)}
    return RunRecord(
        stage=stage,
        options=options,
        config=dict(_entries(config, skipped=set(options))),
        files={name: _digest(path) for name, path in files.items()},
        cases={name: list_cases(entries) for name, entries in parts.items()},
        ranks=idist.get_world_size(),
        epochs=_epochs(parser),
        begun={f"{LOADED_BY}{file.place}": file.content for file in loaded},
        written_by=frozenset(file.run for file in loaded if file.run is not None),
    )


def read_settings(parser: ConfigParser, record: RunRecord | None = None) -> dict[str, object]:
    """Read all settings of a run for an experiment tracker: options, places, machine, digests.

    Args:
        parser: of the run.
        record: of a training or a search: adds the arguments of components, the digests of files
            and data, versions, and the digest of them all.
    """
    frame = set(_FRAME.split())
    names = [name for name in parser.get() if name not in frame and _is_plain(parser, name)]
    settings = {name: _value(parser, name) for name in names}
    settings["device"] = str(parser.get_parsed_content("device"))
    if record is not None:
        versions = {f"version of {name}": v for name, v in package_versions().items()}
        settings |= {**record.identity(), **versions, "digest of the run": record.digest}
    return settings


def data_parts(parser: ConfigParser) -> dict[str, str]:
    """Name the parts of the data set that a training or a search uses, with the ids of their cases.

    Args:
        parser: of the run.
    """
    searches = "train#architecture_dataset" in parser
    known = {
        "weights" if searches else "train": "train#dataset#data",
        "architecture": "train#architecture_dataset#data",
        "validation": "validate#dataset#data",
    }
    return {name: where for name, where in known.items() if where in parser}


def _is_option(parser: ConfigParser, name: str) -> bool:
    return name not in _LEFT_OUT and _is_plain(parser, name)


def _is_plain(parser: ConfigParser, name: str) -> bool:
    """Recognize a top-level key that holds a plain value, or an expression of such keys alone."""
    value = parser.get(name)
    if isinstance(value, str):
        references = ReferenceResolver.match_refs_pattern(value)
        return all("::" not in other and _is_plain(parser, other) for other in references)
    if isinstance(value, Mapping):
        return False
    return value is None or isinstance(value, (bool, int, float, list, tuple))


def _value(parser: ConfigParser, name: str) -> object:
    value = parser.get(name)
    if isinstance(value, str) and value[:1] in ("$", "@"):
        value = parser.get_parsed_content(name)
    # A word of JSON, as text: MONAI's command line knows Python's words alone.
    return _WORDS.get(value.lower(), value) if isinstance(value, str) else _plain(value)


def _require_apart(parser: ConfigParser, files: Mapping[str, str | Path | None]) -> None:
    if "ckpt_dir" not in parser:
        return
    folder = Path(str(parser.get_parsed_content("ckpt_dir"))).expanduser().resolve()
    for name, path in files.items():
        if path is not None and Path(path).expanduser().resolve() in map(folder.joinpath, _WEIGHTS):
            raise ValueError(
                f"{name} '{path}' is where this run will write its own weights. Pass another "
                "folder with --ckpt_dir."
            )


def _plain(value: object) -> object:
    """Return the value as JSON would give it back."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    # No repr: it may hold an address, which differs between two processes.
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _entries(value: object, *, skipped: set[str], name: str = "") -> Iterator[tuple[str, object]]:
    """Id and value of everything below, without what is left out."""
    if name in _LEFT_OUT or name in skipped or is_loader(value):
        return
    if name.endswith("#handlers") and isinstance(value, list):
        for handler in value:
            kind = _kind(handler)
            if kind not in _WATCHERS.split():
                yield from _entries(handler, skipped=skipped, name=f"{name}#{kind}")
    elif isinstance(value, Mapping) and value:
        for key, item in value.items():
            below = f"{name}#{key}" if name else str(key)
            yield from _entries(item, skipped=skipped, name=below)
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for place, item in enumerate(value):
            yield from _entries(item, skipped=skipped, name=f"{name}#{place}")
    else:
        yield name, _plain(value)


def _kind(handler: object) -> str:
    target = handler.get("_target_", "") if isinstance(handler, Mapping) else handler
    return str(target).rpartition(".")[2]


def _epochs(parser: ConfigParser) -> int | None:
    """Length of the run: the trainer's, which clients of MONAI set directly."""
    for name in ("train#trainer#max_epochs", "epochs"):
        if name in parser:
            found = parser.get_parsed_content(name)
            return int(found) if isinstance(found, (int, float)) else None
    return None


def list_cases(entries: Entries) -> CaseList:
    """Count and digest the cases of a datalist; without names, its files' names stand for them."""
    names = [[entry.get("patient"), entry.get("case") or _file_name(entry)] for entry in entries]
    return CaseList(len(names), _sha256(json.dumps(names).encode()))


def _file_name(entry: Mapping[str, object]) -> list[str]:
    image = entry.get("image", "")
    return [Path(str(file)).name for file in (image if isinstance(image, list) else [image])]


def _digest(path: str | Path | None) -> str | None:
    """Return the SHA-256 of a file's content; None if it is absent, which its reader reports."""
    if path is None or not Path(path).is_file():
        return None
    content = Path(path).read_bytes()
    if Path(path).suffix == ".json":
        try:
            fields = json.loads(content)
        except (ValueError, RecursionError):
            return _sha256(content)
        if isinstance(fields, dict):
            fields.pop("provenance", None)
            content = json.dumps(fields, sort_keys=True).encode()
    return _sha256(content)


def _sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()

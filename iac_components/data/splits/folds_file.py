"""The folds' file: written once, then read by every stage, so that all test the same patients."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Sequence
from pathlib import Path

from iac_components.common.files import (
    read_json,
    remove_leftovers,
    require_writable_directory,
    write_json,
)
from iac_components.common.ranks import is_first_rank
from iac_components.data.case import Case
from iac_components.data.splits.folds import Folds, make_folds, stated_folds

__all__ = ["FOLDS_SCHEMA_VERSION", "load_folds", "load_or_make_folds", "save_folds"]

FOLDS_SCHEMA_VERSION = 1
"""Version of the file format that this package writes and reads."""

MAX_BYTES = 10_000_000
"""Room for half a million patients' names; anything larger is another file."""

_FIELD_TYPES: dict[str, type | tuple[type, ...]] = {
    "layout": str,
    "seed": int,
    "validation_fraction": (int, float),
    "folds": list,
    "digest": str,
}


def save_folds(folds: Folds, path: str | Path) -> None:
    """Write ``folds`` as JSON, atomically."""
    content = _content(folds)
    write_json(path, {**content, "digest": _digest(content)})


def load_folds(path: str | Path) -> Folds:
    """Read and check a folds file.

    Raises:
        ValueError: if it cannot be read, is not JSON, of another version, has a field that is
            missing or wrong, was changed after writing (digest), or repeats a patient; the
            message names the file and the field.
    """
    try:
        return _parse(read_json(path, max_bytes=MAX_BYTES))
    except ValueError as error:
        raise ValueError(
            f"Folds file '{path}': {error} Restore the file, or pass another with --folds_file."
        ) from error


def load_or_make_folds(
    path: str | Path | None,
    cases: Sequence[Case],
    *,
    layout: str,
    num_folds: int = 5,
    seed: int = 0,
) -> Folds:
    """Reuse the folds in ``path``; if there are none, take those stated or draw them, and write.

    An existing file wins over ``num_folds`` and ``seed``: what was tested stays tested. It may
    name patients that the dataset lacks (a part of a dataset is a dataset), never the reverse.

    Args:
        path: the folds file; with None nothing is read or written.
        cases: the dataset's cases.
        layout: the dataset's layout.
        num_folds: number of folds of a new partition, where the cases state none.
        seed: seed of a new partition.

    Raises:
        ValueError: if the file is at fault (see :func:`load_folds`), is of another layout, or
            lacks patients of the dataset; or if there are too few patients (see
            :func:`make_folds`).
        OSError: if the file cannot be written.
    """
    patients = {case.patient for case in cases}
    if path is not None:
        remove_leftovers(Path(path).absolute().parent, of=Path(path).name)
    if path is None or not Path(path).exists():
        stated = stated_folds(cases, layout=layout, seed=seed)
        folds = stated or make_folds(patients, layout=layout, num_folds=num_folds, seed=seed)
        # Every process draws the same folds; one writes them.
        if path is not None and is_first_rank():
            require_writable_directory(Path(path).absolute().parent, name="folds_file")
            save_folds(folds, path)
        return folds
    folds = load_folds(path)
    if (folds.seed, len(folds.folds)) != (seed, num_folds):
        warnings.warn(
            f"folds file '{path}' was drawn with split_seed {folds.seed} in {len(folds.folds)} "
            f"folds and is used as it is: split_seed {seed} and num_folds {num_folds} are not. "
            "Pass the values that it was drawn with, or another --folds_file.",
            stacklevel=2,
        )
    if folds.layout != layout:
        raise ValueError(
            f"Folds file '{path}' is of layout '{folds.layout}', the dataset of '{layout}'. "
            "Pass this dataset's file with --folds_file."
        )
    missing = sorted(patients - set(folds.patients))
    if missing:
        raise ValueError(
            f"Folds file '{path}' lacks {len(missing)} patient(s) of the dataset: "
            f"{', '.join(missing)}. Remove the file to draw new folds, or pass another with "
            "--folds_file."
        )
    return folds


def _content(folds: Folds) -> dict[str, object]:
    """Return everything in the file but its digest."""
    return {
        "schema_version": FOLDS_SCHEMA_VERSION,
        "layout": folds.layout,
        "seed": folds.seed,
        "validation_fraction": folds.validation_fraction,
        "folds": [list(fold) for fold in folds.folds],
    }


def _digest(content: dict[str, object]) -> str:
    """Return the SHA-256 of the content, whatever the file's white space and key order."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _parse(content: object) -> Folds:
    """Check JSON values and return the folds they describe."""
    if not isinstance(content, dict):
        raise ValueError(f"must hold a JSON object, not {type(content).__name__}.")
    version = content.get("schema_version")
    if version != FOLDS_SCHEMA_VERSION:
        raise ValueError(f"schema_version is {version!r}, {FOLDS_SCHEMA_VERSION} is read.")
    for name, kind in _FIELD_TYPES.items():
        value = content.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"{name} is missing or of the wrong type ({value!r}).")
    for index, fold in enumerate(content["folds"]):
        if not isinstance(fold, list) or not all(isinstance(name, str) for name in fold):
            raise ValueError(f"folds[{index}] must be a list of patient names.")
    folds = Folds(
        layout=content["layout"],
        seed=content["seed"],
        folds=tuple(tuple(fold) for fold in content["folds"]),
        validation_fraction=content["validation_fraction"],
    )
    if content["digest"] != _digest(_content(folds)):
        raise ValueError("digest does not fit: the folds were changed after they were written.")
    return folds

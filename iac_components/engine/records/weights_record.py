"""The record beside trained weights, for the files that are made with them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import torch

__all__ = ["read_run", "weights_record"]

_LOGGER = logging.getLogger("iac_components.weights")


def weights_record(path: str | Path, *, folds: Mapping[str, object]) -> dict[str, object]:
    """Describe the weights that a result was made with, and whether they were trained for its fold.

    Args:
        path: the file of the weights; whoever loads them reports what is wrong with it.
        folds: the options that say which patients are tested, ``dataset_name`` among them.

    Returns:
        Plain values: ``sha256`` of the file; ``run``, the record of the training that wrote it,
        null for weights of another origin; ``trained_for_this_fold``, null where that is unknown.
    """
    file = Path(path)
    if not file.is_file():
        return {"sha256": None, "run": None, "trained_for_this_fold": None}
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    run = read_run(file)
    options = cast(Mapping[str, object], run.get("options", {})) if run is not None else {}
    same = None
    if options.get("dataset_name", 0) == folds["dataset_name"]:
        differ = [name for name, value in folds.items() if options.get(name) != value]
        same = not differ
        for name in differ:
            _LOGGER.warning(
                f"Weights '{file}' were trained with {name} {options.get(name)}, and are tested "
                f"with {name} {folds[name]}: they may have seen the patients that are tested. Pass "
                f"--{name} {options.get(name)}."
            )
    return {"sha256": digest, "run": run, "trained_for_this_fold": same}


def read_run(file: Path) -> Mapping[str, object] | None:
    """Read the record of the run that wrote a file of weights; None if it has none."""
    try:
        content = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except Exception:
        return None
    run = content.get("run") if isinstance(content, Mapping) else None
    return run if isinstance(run, Mapping) else None

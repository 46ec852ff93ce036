"""Label maps of averaged probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from iac_components.bundling.options import OptionError
from iac_components.common.progress_bars import progress_over
from iac_components.data import write_label_map
from iac_components.data.case import NIFTI_SUFFIXES
from iac_components.data.checks.pairs import check_pair
from iac_components.data.faults import Fault, found_in
from iac_components.data.nifti.probabilities import (
    PROBABILITIES_SUFFIX,
    probabilities_shape,
    read_probabilities,
)
from iac_components.data.nifti.volume_file import Volume, read_volume

__all__ = ["write_averages"]

_LABEL_MAP_SUFFIXES = (*NIFTI_SUFFIXES, ".png")


def write_averages(folders: Sequence[Path], out: Path) -> int:
    """Average saved probabilities over folders, and write the label map of each case.

    Every folder counts the same. A voxel gets its most probable class, the first of equal ones. A
    label map has the name and the place of the one beside the first folder's probabilities.

    Args:
        folders: each written by an inference with ``--save_probabilities true``.
        out: folder of the label maps, made if absent.

    Returns:
        The number of cases.

    Raises:
        ValueError: if a folder holds no probabilities or lacks a case, or a case's files differ in
            classes, shape or place; before anything is written.
    """
    files = [_saved(folder) for folder in folders]
    for folder, found in zip(folders[1:], files[1:], strict=True):
        _require_same_cases(folders[0], files[0], folder, found)
    cases = [[found[name] for found in files] for name in files[0]]
    for same_case in cases:
        _require_same_grid(same_case)
    for same_case in progress_over(cases, desc="Averaging"):
        _write_average(same_case, out)
    return len(cases)


def _saved(folder: Path) -> dict[str, Path]:
    """Return the files of a folder by their label maps' names without ending."""
    if not folder.is_dir():
        raise OptionError(f"'{folder}' is not a folder. Pass one with saved probabilities.")
    files = sorted(folder.glob(f"[!.]*{PROBABILITIES_SUFFIX}"))
    if not files:
        raise OptionError(
            f"'{folder}' holds no probabilities (*{PROBABILITIES_SUFFIX}), but {found_in(folder)}. "
            "Segment with --save_probabilities true, or pass the folder of an 'iac run'."
        )
    return {file.stem: file for file in files}


def _require_same_cases(
    first: Path, found: dict[str, Path], other: Path, also: dict[str, Path]
) -> None:
    for folder, missing in ((other, found.keys() - also.keys()), (first, also.keys() - found)):
        if missing:
            names = ", ".join(sorted(missing)[:8])
            more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
            there = first if folder == other else other
            raise OptionError(
                f"'{folder}' has no probabilities of {names}{more}, which '{there}' has. Segment "
                "the same images with each network."
            )


def _require_same_grid(files: Sequence[Path]) -> None:
    """Check the files of a case by their headers and their label maps."""
    first = _read_label_map(files[0])
    shape = probabilities_shape(files[0])
    for file in files:
        label_map = first if file == files[0] else _read_label_map(file)
        found = probabilities_shape(file)
        if found != shape:
            raise OptionError(
                f"'{file}' has shape {found}, '{files[0]}' {shape} (classes, then voxels). Only "
                "networks of the same classes can be averaged, over the same images."
            )
        if found[1:] != label_map.data.shape[:3]:
            raise OptionError(
                f"'{file}' has {found[1:]} voxels, '{label_map.path}' {label_map.data.shape[:3]}. "
                "Segment the case again."
            )
        for problem, _ in check_pair(first, label_map, f"'{first.path}'"):
            raise OptionError(f"'{label_map.path}' {problem}. Segment the same images with both.")


def _label_map(file: Path) -> Path:
    """Return the label map beside probabilities.

    Raises:
        OptionError: if there is none.
    """
    names = [file.with_name(file.stem + suffix) for suffix in _LABEL_MAP_SUFFIXES]
    for path in names:
        if path.is_file():
            return path
    raise OptionError(
        f"'{file}' has no label map '{names[0].name}' beside it, which says where its voxels lie. "
        "Segment the case again with --save_probabilities true."
    )


def _read_label_map(file: Path) -> Volume:
    volume = read_volume(str(_label_map(file)))
    if isinstance(volume, Fault):
        raise OptionError(f"'{volume.where}' {volume.problem}. {volume.remedy}")
    return volume


def _write_average(files: Sequence[Path], out: Path) -> None:
    # The sum has the same greatest class as the mean; one array at a time beside it.
    total = read_probabilities(files[0])
    for file in files[1:]:
        total += read_probabilities(file)
    labels = total.argmax(axis=0)
    source = _label_map(files[0])
    dtype = np.min_scalar_type(len(total) - 1)
    write_label_map(out / source.name, labels, source=source, dtype=dtype)

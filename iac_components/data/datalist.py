"""MONAI datalists, as a bundle's config requests them in one line."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from iac_components.data.case import DatalistEntry
from iac_components.data.faults import DatasetError
from iac_components.data.layouts.catalogue import read_dataset
from iac_components.data.layouts.channel_groups import group_channels
from iac_components.data.layouts.general.case_files import listed_images
from iac_components.data.parts import ALL_FOLDS, select_cases
from iac_components.data.splits.folds_file import load_or_make_folds

__all__ = ["FoldCases", "fold_part", "fold_parts", "image_datalist", "load_datalist"]

_LOGGER = logging.getLogger("iac_components.data")


def load_datalist(
    dataset_dir: str | Path,
    *,
    layout: str,
    part: str,
    fold: int | str = 0,
    num_folds: int = 5,
    seed: int = 0,
    folds_file: str | Path | None = None,
) -> list[dict[str, str | list[str]]]:
    """List one part of one fold of a dataset.

    Args:
        dataset_dir: the dataset as downloaded.
        layout: name of its folder layout.
        part: ``train``, ``validation``, ``test``, ``weights`` or ``architecture``.
        fold: the fold that is tested; ``"all"`` trains on everything and tests nothing.
        num_folds: number of folds, where they are drawn.
        seed: seed of the folds, where they are drawn.
        folds_file: file that holds the folds; it is read if it exists, else written.

    Returns:
        Entries ``{"image", "label", "patient", "case"}``, sorted by patient and case; ``image`` is
        a list of files where the layout has a file for each channel (``brats``).

    Raises:
        DatasetError: if the dataset cannot be read (see :func:`read_dataset`).
        ValueError: if the layout, part, fold or folds file is at fault, or the part is empty.
    """
    cases = read_dataset(dataset_dir, layout=layout)
    folds = load_or_make_folds(folds_file, cases, layout=layout, num_folds=num_folds, seed=seed)
    return [case.entry() for case in select_cases(cases, folds, fold=fold, part=part)]


def fold_parts(
    used: Mapping[str, Sequence[DatalistEntry]],
    dataset_dir: str | Path,
    *,
    layout: str,
    fold: int | str = 0,
    num_folds: int = 5,
    seed: int = 0,
    folds_file: str | Path | None = None,
) -> dict[str, Sequence[DatalistEntry]]:
    """Add the fold's other parts to those that a run uses, so that all are checked first.

    Args:
        used: the run's parts by their names. If none names a patient, they are not of a fold (MONAI
            Label brings lists of its own), and nothing is added.
        dataset_dir: as for :func:`load_datalist`, like all that follows.
        layout: name of its folder layout.
        fold: the fold that is tested.
        num_folds: number of folds, where they are drawn.
        seed: seed of the folds, where they are drawn.
        folds_file: file that holds the folds.

    Returns:
        ``used``, and ``validation`` and ``test`` if they are not in it. Of fold ``"all"``, which
        tests nothing and validates on patients that it trains on, ``used`` without ``validation``.

    Raises:
        ValueError: as by :func:`load_datalist`, so also if a part is empty.
    """
    parts = dict(used)
    if not any("patient" in entry for part in used.values() for entry in part):
        return parts
    if fold == ALL_FOLDS:
        _LOGGER.warning(
            "Fold 'all' trains on every patient: validation is of patients that are trained on, "
            "and nothing is tested."
        )
        return {name: part for name, part in parts.items() if name != "validation"}
    for part in ("validation", "test"):
        if part not in parts:
            found = load_datalist(
                dataset_dir,
                layout=layout,
                part=part,
                fold=fold,
                num_folds=num_folds,
                seed=seed,
                folds_file=folds_file,
            )
            # With one patient to train on, the search's architecture half.
            if found != parts.get("architecture"):
                parts[part] = found
    return parts


@dataclass(frozen=True)
class FoldCases:
    """The cases of one fold of a dataset; nothing is read before they are asked for.

    Attributes:
        dataset_dir: as for :func:`load_datalist`, like all that follows.
        layout: name of its folder layout.
        fold: the fold that is tested.
        num_folds: number of folds, where they are drawn.
        seed: seed of the folds, where they are drawn.
        folds_file: file that holds the folds.
    """

    dataset_dir: str | Path
    layout: str
    fold: int = 0
    num_folds: int = 5
    seed: int = 0
    folds_file: str | Path | None = None

    def part(self, name: str) -> list[dict[str, str | list[str]]]:
        """List one part, as :func:`load_datalist` does."""
        return load_datalist(part=name, **vars(self))

    def with_left_out(
        self, used: Mapping[str, Sequence[DatalistEntry]]
    ) -> dict[str, Sequence[DatalistEntry]]:
        """Complete the parts of a run, as :func:`fold_parts` does."""
        return fold_parts(used, **vars(self))


def fold_part(cases: FoldCases, part: str) -> list[dict[str, str | list[str]]]:
    """List one part of the cases of a fold, as :meth:`FoldCases.part` does: a config's one line."""
    return cases.part(part)


def image_datalist(
    folder: str | Path, *, num_channels: int = 1, image_key: str = "image"
) -> list[dict[str, str | list[str]]]:
    """List the images of a folder, for inference: NIfTI, pictures, and folders of DICOM series.

    With one channel, an image is a file. With more, it is a 4-D file (or a picture in colour), or
    one file a channel, told
    apart by BraTS's names (``_flair``, ``_t1``, ``_t1ce``, ``_t2`` or ``-t2f``, ``-t1n``, ``-t1c``,
    ``-t2w``; label maps are left out) or nnU-Net's (``_0000``, ``_0001``, ...); such files lie in
    the folder itself or, if it holds no image, in one subfolder a case.

    Hidden files, other files and, with one channel, subfolders are left out.

    Args:
        folder: where the images are.
        num_channels: channels of an image.
        image_key: what the entries call it.

    Returns:
        Entries ``{"image", "case"}`` sorted by case; ``image`` is a list where a channel is a file.
        The case is the file's name without ending and channel.

    Raises:
        DatasetError: if the folder is missing or has no image, if an image lacks a channel's file,
            or if two images would be the same case (``a.nii`` and ``a.nii.gz``), so that one result
            would replace the other.
        ValueError: if ``num_channels`` is not positive.
    """
    if num_channels < 1:
        raise ValueError(f"num_channels must be at least 1, not {num_channels}.")
    directory = Path(folder).expanduser().absolute()
    if not directory.is_dir():
        raise DatasetError(
            f"image folder '{directory}' is not a folder. Pass one that holds images "
            "(.nii.gz, .png, ...); of a bundle's own run it is --dataset_dir."
        )
    files = listed_images(directory)
    if num_channels > 1 and not files:
        inner = sorted(path for path in directory.iterdir() if path.is_dir())
        files = [file for path in inner for file in listed_images(path)]
    images = group_channels(files, num_channels=num_channels, subject=f"Image folder '{directory}'")
    if not images:
        searched = "are not" if num_channels == 1 else "were"
        raise DatasetError(
            f"image folder '{directory}' holds no image (.nii.gz, .nii, .png, ...) among "
            f"{len(list(directory.iterdir()))} entries (subfolders {searched} searched). "
            "Pass the images' own folder; of a bundle's own run it is --dataset_dir."
        )
    return [{image_key: image, "case": case} for case, image in images.items()]

"""The layout of a data set, told by what lies in its folder."""

from __future__ import annotations

import os
import re
from pathlib import Path

from iac_components.data.case import image_stem
from iac_components.data.faults import DatasetError, found_in
from iac_components.data.layouts.described.dataset_json import JSON_NAME, read_dataset_json
from iac_components.data.layouts.general.auto3dseg import is_datalist
from iac_components.data.layouts.general.case_files import listed_images
from iac_components.data.layouts.general.folder_pair import find_folders

__all__ = ["detect_layout"]

RAW = "nnUNet_raw"
"""nnU-Net's own name for its folder of raw data sets, in its own letters."""

_CASE_FOLDERS = {
    "acdc": re.compile(r"patient\d{3}"),
    "brats": re.compile(r"BraTS2021_\d{5}|BraTS-GLI-\d{5}-\d{3}"),
    "kits": re.compile(r"case_\d{5}"),
}
"""Folders of a case by which official data sets are known, there or one level below."""


def detect_layout(dataset_dir: str | Path) -> tuple[Path, str]:
    """Tell how a data set lies in its folder.

    Args:
        dataset_dir: the folder; a file for Auto3DSeg's datalist; or the name of a folder in
            ``$nnUNet_raw``, such as ``Dataset027_ACDC``.

    Returns:
        The folder (or file) and the layout's name.

    Raises:
        DatasetError: if there is nothing, or no layout fits; the message lists those known.
    """
    path = _located(Path(dataset_dir).expanduser().absolute())
    if path.is_file():
        if not is_datalist(path):
            raise DatasetError(
                f"'{path}' is a file, but no datalist of Auto3DSeg (a list 'training'). Pass the "
                "data set's folder, or such a list."
            )
        return path, "auto3dseg"
    if (path / JSON_NAME).is_file():
        content = read_dataset_json(path, folder_name="data set's")
        if isinstance(content.get("training"), list) and not _has_numbered_channels(path):
            return path, "decathlon"
        if (path / "imagesTr").is_dir() or isinstance(content.get("dataset"), dict):
            return path, "nnunet"
    for layout, pattern in _CASE_FOLDERS.items():
        if any(pattern.fullmatch(name) for name in _folders(path)):
            return path, layout
    if find_folders(path) is not None:
        return path, "folder_pair"
    lists = [file for file in sorted(path.glob("*.json")) if is_datalist(file)]
    if len(lists) == 1:
        return lists[0], "auto3dseg"
    raise DatasetError(
        f"'{path}': found {found_in(path)}, which is no layout that is read: a pair of folders "
        "images/ and labels/; nnU-Net's or the Decathlon's (dataset.json, imagesTr, labelsTr); "
        "Auto3DSeg's datalist (a JSON file with the list 'training'); ACDC's, BraTS's or KiTS's "
        "own. Arrange the files so, or pass the folder that holds them."
    )


def _located(path: Path) -> Path:
    """Return what is there, here or in nnU-Net's folder of raw data sets."""
    if path.exists():
        return path
    raw = os.environ.get(RAW)
    if raw and (Path(raw) / path.name).is_dir():
        return Path(raw).expanduser().absolute() / path.name
    also = f" nor in $nnUNet_raw, '{raw}'" if raw else ""
    raise DatasetError(f"'{path}' does not exist{also}. Pass the data set's folder.")


def _has_numbered_channels(path: Path) -> bool:
    """Tell whether all images end with a channel's number, as nnU-Net's raw ones do."""
    files = listed_images(path / "imagesTr")
    return bool(files) and all(re.search(r"_\d{4}$", image_stem(file)) for file in files)


def _folders(path: Path) -> list[str]:
    """Names of the folders there and one level below."""
    there = [entry for entry in path.iterdir() if entry.is_dir()]
    below = [inner.name for entry in there for inner in entry.iterdir() if inner.is_dir()]
    return [*(entry.name for entry in there), *below]

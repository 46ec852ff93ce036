"""Official folder layouts, by name: a reader turns a downloaded folder into cases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from iac_components.data.case import Case
from iac_components.data.faults import DatasetError
from iac_components.registry import Registry

__all__ = [
    "LayoutReader",
    "find_dataset",
    "read_dataset",
    "register_layout",
    "registered_layouts",
]

LayoutReader = Callable[[Path], list[Case]]
"""``reader(dataset_dir)`` returns all labelled cases, or raises DatasetError with all faults."""

_REGISTRY: Registry[LayoutReader] = Registry("layout")

register_layout = _REGISTRY.register
registered_layouts = _REGISTRY.names


def read_dataset(dataset_dir: str | Path, *, layout: str) -> list[Case]:
    """List the labelled cases of a dataset as downloaded.

    Args:
        dataset_dir: the dataset's folder.
        layout: name of its folder layout.

    Returns:
        The cases with absolute paths, sorted by patient and name; at least one.

    Raises:
        ValueError: if no such layout is registered.
        DatasetError: if the folder is missing, empty, not of that layout or incomplete; all
            faults are listed at once.
    """
    folder = find_dataset(dataset_dir, layout=layout)
    return sorted(_REGISTRY[layout](folder))


def find_dataset(dataset_dir: str | Path, *, layout: str) -> Path:
    """Return a dataset's folder as an absolute path.

    Raises:
        ValueError: if no such layout is registered.
        DatasetError: if the folder is missing.
    """
    _REGISTRY.require(layout)
    folder = Path(dataset_dir).expanduser().absolute()
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise DatasetError(
            f"dataset_dir '{folder}': expected a folder of layout '{layout}', found {found}. "
            "Pass the downloaded dataset's folder with --dataset_dir."
        )
    return folder

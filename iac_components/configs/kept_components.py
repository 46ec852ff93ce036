"""Post-processing that a file decided, as a transform of a config."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from monai.transforms import Compose

from iac_components.evaluation.postprocessing.decision_file import read_kept

__all__ = ["keep_largest"]


def keep_largest(path: str | Path | None, *, class_names: Sequence[str], keys: str) -> Compose:
    """Return the transform that keeps the largest components that a file names.

    Args:
        path: a ``postprocessing.json``; None changes nothing.
        class_names: of the foreground classes; label i + 1 is ``class_names[i]``.
        keys: of the label map ``(1, *S)``.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it cannot be used; the message names the field, or the class.
    """
    if path is None:
        return Compose([])
    try:
        return Compose(read_kept(path).transforms(class_names, keys=keys))
    except ValueError as error:
        text = str(error)
        named = text if str(path) in text else f"postprocessing_file '{path}': {text}"
        raise ValueError(named) from error

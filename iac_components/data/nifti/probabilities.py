"""Probabilities of the classes, kept in a file beside the label map that was made of them."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from iac_components.common.files import atomic_write
from iac_components.data.case import image_stem
from iac_components.data.nifti.label_map_writer import SaveImageLikeInputd

__all__ = [
    "PROBABILITIES_SUFFIX",
    "SaveImageProbabilitiesd",
    "probabilities_shape",
    "read_probabilities",
]

PROBABILITIES_SUFFIX = ".npz"
"""Ending of the files: no label map has it, so that the names cannot clash."""

_ARRAY = "probabilities"


class SaveImageProbabilitiesd(SaveImageLikeInputd):
    """Write the probabilities (C, *S) that a label map is about to be made of.

    For ``case_seg.nii.gz`` as ``case_seg.npz`` beside it: one compressed array ``probabilities`` of
    float32, which ``numpy.load`` reads without pickles; the place of the voxels is the label map's.
    A file appears under its name once it is whole.

    Takes the arguments of :class:`~iac_components.data.SaveImageLikeInputd`, those of the label
    maps, so that the names agree. Belongs between the inversion and ``AsDiscreted``.

    Raises:
        ValueError: when called, if there are fewer than two classes.
        WriteError: when called, if a file cannot be written.
    """

    def _save(self, value: torch.Tensor, key: str) -> None:
        if value.shape[0] < 2:
            raise ValueError(
                f"'{key}' has shape {tuple(value.shape)}, not (C, *S) with a channel a class: save "
                "probabilities before AsDiscreted."
            )
        target = Path(self._files(value, key)[1])
        file = target.with_name(image_stem(target) + PROBABILITIES_SUFFIX)
        with atomic_write(file) as stream:
            np.savez_compressed(stream, probabilities=value.detach().float().cpu().numpy())


def probabilities_shape(path: str | Path) -> tuple[int, ...]:
    """Return the shape (C, *S) of saved probabilities, of which only the header is read.

    Raises:
        ValueError: if the file holds none; the message names it.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{_ARRAY}.npy") as stream:
            version = npy_format.read_magic(stream)
            read = {
                (1, 0): npy_format.read_array_header_1_0,
                (2, 0): npy_format.read_array_header_2_0,
            }
            shape, _, dtype = read[version](stream)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"'{path}' holds no array '{_ARRAY}' ({error}). Pass a folder that an inference with "
            "--save_probabilities true wrote."
        ) from error
    if not np.issubdtype(dtype, np.floating) or len(shape) != 4 or shape[0] < 2:
        raise ValueError(
            f"'{path}' holds {dtype} values of shape {shape}, not probabilities (C, X, Y, Z) of at "
            "least two classes. Pass a folder that an inference with --save_probabilities true "
            "wrote."
        )
    return tuple(shape)


def read_probabilities(path: str | Path) -> NDArray[np.float32]:
    """Read saved probabilities (C, *S).

    Raises:
        ValueError: if the file is damaged; the message names it.
    """
    probabilities_shape(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            values: NDArray[np.float32] = archive[_ARRAY].astype(np.float32, copy=False)
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        raise ValueError(f"'{path}' is damaged ({error}). Segment its case again.") from error
    return values

"""One array in a ``.npy`` file, read in part through a memory map."""

from __future__ import annotations

import tokenize
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iac_components.common.files import atomic_write

__all__ = ["ArrayFile", "open_array", "write_array"]


@dataclass(frozen=True)
class ArrayFile:
    """Place, type and shape of an array in its file.

    It holds no open file: a thousand of them would be more than a process may have, and a worker
    process would get a copy of what is mapped. Mapping it again without reading the header costs
    less than 0.1 ms.

    Attributes:
        file: the ``.npy`` file.
        dtype: type of the numbers.
        shape: shape of the array.
        offset: bytes before the first number.
    """

    file: Path
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    offset: int

    def map(self, *, writable: bool = False) -> NDArray[np.generic]:
        """Map the array; only the accessed part is read.

        Args:
            writable: let the caller write, into pages of its own; the file stays as it is.

        Raises:
            OSError: if the file cannot be read.
            ValueError: if it has become too short.
        """
        return np.memmap(self.file, self.dtype, "c" if writable else "r", self.offset, self.shape)


def open_array(file: Path) -> ArrayFile:
    """Find the array in a file that may be truncated, or another's.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is not exactly one array in C order; objects, which could run code, are
            refused.
    """
    try:
        # Unlike numpy.load this opens nothing but .npy, such as an archive.
        array = np.lib.format.open_memmap(file, mode="r")
    except (EOFError, OverflowError, SyntaxError, TypeError, tokenize.TokenError) as error:
        # What NumPy's parser of headers lets through.
        raise ValueError(f"{file.name}: not an array ({error}).") from error
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from error
    if not array.flags.c_contiguous or array.offset + array.nbytes != file.stat().st_size:
        raise ValueError(f"{file.name}: its header does not fit its size.")
    return ArrayFile(file, array.dtype, array.shape, array.offset)


def write_array(file: Path, array: NDArray[np.generic]) -> None:
    """Write an array in C order, atomically."""
    with atomic_write(file) as stream:
        np.save(stream, np.ascontiguousarray(array), allow_pickle=False)

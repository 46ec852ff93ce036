"""Reading one image file once, whole, with every reason why that can fail told apart."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from iac_components.common.available_memory import available_memory
from iac_components.data.faults import Fault
from iac_components.data.formats.conversion import as_nifti, has_three_axes, is_other_format
from iac_components.data.nifti.mended_headers import mended_header_named
from iac_components.data.nifti.nifti_header import (
    AGAIN,
    HEADER_BYTES,
    NiftiHeader,
    UnreadableVolumeError,
    image_class,
    parse_header,
)

__all__ = ["Volume", "read_volume"]

_GZIP_MAGIC = b"\x1f\x8b"

_LARGEST_RATIO = 1100
"""Deflate makes 1032 bytes of one at most."""

_PIECE = 1 << 20


@dataclass(frozen=True)
class Volume:
    """An image file's content.

    Attributes:
        path: the file.
        data: its voxels, (X, Y, Z) or (X, Y, Z, C), with the file's scaling applied; an image of
            two axes is a volume of one slice.
        affine: (4, 4), voxel indices to millimetres; the sform if its code is set, else the qform.
        header: what its header states.
        digest: of its voxels as stored; equal for equal images, whatever their headers say.
    """

    path: str
    data: NDArray[np.generic]
    affine: NDArray[np.float64]
    header: NiftiHeader
    digest: bytes

    @cached_property
    def has_nonfinite(self) -> bool:
        """True if a voxel is NaN or infinite."""
        return self.data.dtype.kind == "f" and not bool(np.isfinite(self.data).all())


def read_volume(path: str) -> Volume | Fault:
    """Read header and voxels of an image; what cannot be read comes back as a fault.

    The whole file is decompressed, to its checksum: nibabel alone stops at the last voxel, and
    takes a compressed file with damaged bytes for a sound one. No more memory is taken than the
    file can fill, whatever its header says.

    Args:
        path: the file, compressed if its name ends with ``.gz``, in small letters or capitals; a
            folder for a DICOM series.
    """
    obstacle = _obstacle(path)
    if obstacle is not None:
        return Fault(path, *obstacle)
    try:
        return _read(path)
    except UnreadableVolumeError as error:
        return Fault(path, error.problem, error.remedy)
    except MemoryError:
        return Fault(path, "does not fit into the memory", "Use a machine with more of it.")
    except Exception as error:
        # A damaged header raises whatever it comes upon, which must not hide the other files'
        # faults.
        reason = str(error) or type(error).__name__
        return Fault(path, f"cannot be read to its end ({reason})", f"{AGAIN}; it is damaged.")


def _read(path: str) -> Volume:
    """Read a file that is there.

    Raises:
        UnreadableVolumeError: if it is no volume.
        Exception: whatever a damaged file makes the libraries raise.
    """
    if is_other_format(path):
        return _volume(path, as_nifti(path).to_bytes())
    size = os.path.getsize(path)
    with _open(path) as (stream, is_compressed):
        head = stream.read(HEADER_BYTES)
        header = parse_header(head)
        _require_room(header, size * _LARGEST_RATIO if is_compressed else size)
        content = head + stream.read(max(header.end - len(head), 0))
        _require_room(header, len(content))
        # To the checksum, which lies behind whatever may follow the voxels.
        while is_compressed and stream.read(_PIECE):
            pass
    return _volume(path, content)


def _volume(path: str, content: bytes) -> Volume:
    """Make a volume of the bytes of a NIfTI file."""
    header = parse_header(content)
    with warnings.catch_warnings(), mended_header_named(path):
        warnings.simplefilter("ignore")
        image = has_three_axes(header.image_class.from_bytes(content))
        data = np.asanyarray(image.dataobj)
    digest = hashlib.blake2b(repr(header.shape).encode(), digest_size=16)
    digest.update(memoryview(content)[header.offset : header.end])
    return Volume(
        path=path,
        data=data,
        affine=np.asarray(image.affine, dtype=np.float64),
        header=header,
        digest=digest.digest(),
    )


@contextlib.contextmanager
def _open(path: str) -> Iterator[tuple[IO[bytes], bool]]:
    """Open a file for its uncompressed bytes, and tell whether it is compressed."""
    named_gz = path.lower().endswith(".gz")
    with open(path, "rb") as raw:
        head = raw.read(HEADER_BYTES)
        raw.seek(0)
        if named_gz and image_class(head) is not None:
            raise UnreadableVolumeError(
                "is not compressed, as its name says", "Rename it to end with .nii."
            )
        if head.startswith(_GZIP_MAGIC) and not named_gz:
            raise UnreadableVolumeError(
                "is compressed, which its name does not say", "Rename it to end with .nii.gz."
            )
        if not named_gz:
            yield raw, False
            return
        with gzip.open(raw) as stream:
            yield cast(IO[bytes], stream), True


def _require_room(header: NiftiHeader, size: int) -> None:
    """Raise unless the voxels fit into ``size`` bytes of a file, and into the memory.

    Raises:
        UnreadableVolumeError: if they do not.
    """
    if header.end > size:
        raise UnreadableVolumeError(
            f"cannot be read to its end (its header has size {header.shape}, {header.end} bytes of "
            f"{header.dtype}, but it holds at most {size})",
            f"{AGAIN}; it is damaged.",
        )
    available = available_memory()
    if header.memory > 0.9 * available:
        raise UnreadableVolumeError(
            f"takes {header.memory / 1e9:.1f} GB of memory to read (size {header.shape}), of which "
            f"{available / 1e9:.1f} GB are available",
            "Use a machine with more memory, or crop or resample the image.",
        )


def _obstacle(path: str) -> tuple[str, str] | None:
    """Return why a path cannot be a file to read, and the remedy."""
    if os.path.isdir(path):
        if is_other_format(path):
            return None
        return "is a folder, not a file", "Name the NIfTI file itself."
    # Unlike Path.exists, this takes names that are too long without an error.
    if not os.path.exists(path):
        return "does not exist", "Correct the path, or put the file there."
    if os.path.getsize(path) == 0:
        return "is empty (0 bytes)", "Download this file again."
    return None

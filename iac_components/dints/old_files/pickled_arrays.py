"""Architectures from the pickles of MONAI's zoo and Auto3DSeg, read without running any of it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from iac_components.common.files.tensor_files import StandIn, read_tensors
from iac_components.dints.topology import ArchitectureError, DintsArchitecture
from iac_components.dints.topology_grid import DintsSpace

__all__ = ["load_old_architecture"]

MAX_BYTES = 10_000_000
"""The codes of the largest space are a few hundred kilobytes."""

_PATHS = ("arch_code_a", "code_a")
_OPERATIONS = ("arch_code_c", "code_c")
"""Names of the same array in the zoo's files and in Auto3DSeg's."""

_NOTES = ("iter_num", "epochs", "best_dsc", "best_path", "dsc")
"""Numbers that the files hold beside the arrays."""


def load_old_architecture(
    path: str | Path,
    *,
    channel_mul: float = 1.0,
    use_downsample: bool = True,
    spatial_dims: int = 3,
) -> DintsArchitecture:
    """Read a ``search_code_*.pt`` of MONAI's zoo bundles or an ``arch_code`` file of Auto3DSeg.

    They are pickles of numpy arrays, which ``torch.load`` has refused since 2.6 (MONAI issue
    9025), and which it would run whatever code they hold to read otherwise.

    Args:
        path: the file, in either format of ``torch.save``, written with numpy 1 or 2.
        channel_mul: of the network; the file does not say.
        use_downsample: of the network; the file does not say.
        spatial_dims: of the network; the file does not say.

    Raises:
        ArchitectureError: if the file cannot be read, holds anything but arrays and plain values,
            lacks one of the arrays, or they are no architecture; the message is one line and names
            the file.
        ValueError: if an argument is out of range.
    """
    DintsSpace(channel_mul=channel_mul, use_downsample=use_downsample, spatial_dims=spatial_dims)
    file = Path(path)
    try:
        content = _read(file)
        paths, operations = _array(content, *_PATHS), _array(content, *_OPERATIONS)
        if paths.ndim != 2 or paths.shape[1] % 3 != 1:
            raise ArchitectureError(
                f"{_PATHS[0]} must have shape (blocks, 3 * depths - 2), got {paths.shape}."
            )
        space = DintsSpace(
            num_blocks=paths.shape[0],
            num_depths=(paths.shape[1] + 2) // 3,
            spatial_dims=spatial_dims,
            use_downsample=use_downsample,
            channel_mul=channel_mul,
        )
        architecture = DintsArchitecture.from_arrays(
            space, paths, operations, provenance={"converted_from": file.name, **_notes(content)}
        )
        nodes = architecture.node_activations
        if "node_a" in content and not np.array_equal(_array(content, "node_a"), nodes):
            raise ArchitectureError("node_a contradicts the active paths of arch_code_a.")
    except ValueError as error:
        raise ArchitectureError(f"Old architecture '{path}': {error}") from error
    return architecture


def _read(file: Path) -> Mapping[str, object]:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ArchitectureError(f"larger than {MAX_BYTES} bytes, which no such file is.")
        raw = BytesIO(file.read_bytes())
    except OSError as error:
        raise ArchitectureError(f"cannot be read ({error.strerror}).") from error
    try:
        content: object = read_tensors(raw, stand_ins=_stand_ins())
        if not isinstance(content, Mapping):
            raise ArchitectureError("must hold a dictionary of arrays, and holds something else.")
        return {str(key): _plain(value) for key, value in content.items()}
    except ArchitectureError:
        raise
    # What the reader raises on foreign bytes is not specified, so all of it is translated.
    except Exception as error:
        raise ArchitectureError(_explain(error)) from error


def _explain(error: Exception) -> str:
    if named := re.search(r"GLOBAL (\S+)", str(error)):
        return (
            f"refused, since it asks for '{named[1]}': such a file holds arrays and plain values "
            "alone. Nothing in it was run."
        )
    return "is not a file of arrays written by torch.save, or it is damaged."


def _stand_ins() -> list[StandIn]:
    """List the stand-ins for the names that a pickled array refers to.

    numpy's own functions trust what they are given: a forged type description makes them take raw
    bytes for object pointers. The stand-ins take plain numbers alone.
    """
    modules = ("numpy.core.multiarray", "numpy._core.multiarray")  # numpy 1, numpy 2
    return [
        (_Array, "numpy.ndarray"),
        (_NumberType, "numpy.dtype"),
        *((_new_array, f"{module}._reconstruct") for module in modules),
        *((_scalar, f"{module}.scalar") for module in modules),
    ]


class _NumberType:
    """Stands in for ``numpy.dtype``: a boolean, integer or floating-point type."""

    def __init__(self, code: str, *_: object) -> None:
        if not re.fullmatch(r"b1|[iu][1248]|f[248]", code):
            raise ArchitectureError(f"holds an array of type '{code}'; numbers are expected.")
        self.code = code
        self.byte_order = "="

    def __setstate__(self, state: tuple[object, ...]) -> None:
        if state[1] not in ("<", ">", "=", "|"):
            raise ArchitectureError(f"holds an array of unknown byte order {state[1]!r}.")
        self.byte_order = str(state[1])

    def read(self, data: bytes) -> NDArray[np.generic]:
        """Return the array that ``data`` holds."""
        return np.frombuffer(data, self.byte_order + self.code)


class _Array:
    """Stands in for ``numpy.ndarray``; ``values`` are set once the pickle has told them."""

    values: NDArray[np.generic]

    def __setstate__(self, state: tuple[int, tuple[int, ...], _NumberType, bool, bytes]) -> None:
        _, shape, number_type, by_columns, data = state
        self.values = number_type.read(data).reshape(shape, order="F" if by_columns else "C")


def _new_array(*_: object) -> _Array:
    return _Array()


def _scalar(number_type: _NumberType, data: bytes) -> object:
    value: object = number_type.read(data).item()
    return value


def _plain(value: object) -> object:
    if isinstance(value, torch.Tensor):
        return value.detach().numpy()
    return value.values if isinstance(value, _Array) else value


def _array(content: Mapping[str, object], *names: str) -> NDArray[np.generic]:
    """Return the array under the first of the names that the file has."""
    for name in names:
        value = content.get(name)
        if isinstance(value, np.ndarray):
            return value
        if name in content:
            raise ArchitectureError(f"{name} must be an array, got {type(value).__name__}.")
    found = ", ".join(map(repr, sorted(content))) or "nothing"
    raise ArchitectureError(f"field {' or '.join(names)} is missing; the file holds {found}.")


def _notes(content: Mapping[str, object]) -> dict[str, object]:
    """Return the notes of the search, as far as JSON can hold them."""
    return {
        key: content[key]
        for key in _NOTES
        if isinstance(value := content.get(key), (int, float)) and math.isfinite(value)
    }

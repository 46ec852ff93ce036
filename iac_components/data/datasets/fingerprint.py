"""Complete text description of a transform, equal in every process that builds it."""

from __future__ import annotations

import contextlib
import copyreg
import hashlib
import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from types import BuiltinFunctionType, FunctionType

import numpy as np
import torch
from monai.data.image_reader import ImageReader
from monai.transforms import Randomizable

__all__ = ["transform_fingerprint"]

_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_CONTAINERS = (list, tuple, set, frozenset, dict)
_NOTES: dict[type, frozenset[str]] = {
    # A Compose of fixed steps still carries a generator.
    Randomizable: frozenset({"R"}),
    # Readers keep what they read last.
    ImageReader: frozenset({"filenames", "has_series"}),
}
"""Attributes of a class that change in use: state, on which an object's settings do not depend."""

_Parts = list[tuple[str, object]]
_Global = type | FunctionType | BuiltinFunctionType


def transform_fingerprint(value: object, *, name: str = "transform") -> str:
    """Describe a transform by its class and all settings within, public or not.

    Two transforms with the same text do the same. The text changes with a setting, with the version
    of the library, and with the file that defines a class or function of the user's.

    Objects are taken apart as pickle does it. Pickle's own bytes would not do: they also tell which
    of two equal strings are one object, and so change from run to run.

    Args:
        value: a deterministic transform, or a sequence of them, nested at will.
        name: what ``value`` is called in a message.

    Raises:
        ValueError: if something within cannot be described, such as a lambda, whose code could
            change unnoticed, or an open file. The message says where it is.
    """
    return _describe(value, name, ())


def _describe(value: object, name: str, above: tuple[int, ...]) -> str:
    """Describe ``value``, which stands at ``name`` in objects whose ids are ``above``."""
    if type(value) in _PLAIN:
        return repr(value)
    if isinstance(value, _Global):
        return _global(value, name)
    if isinstance(value, torch.Tensor):
        return f"tensor {_array(value.detach().cpu().numpy())}"
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return _array(value)
    if id(value) in above:
        raise ValueError(f"{name} holds itself, so it cannot be described.")
    parts = _parts(value, name)
    texts: Iterable[str] = (
        _describe(part, f"{name}{place}", (*above, id(value))) for place, part in parts
    )
    if isinstance(value, set | frozenset):
        texts = sorted(texts)
    return f"{_global(type(value), name)}({', '.join(texts)})"


def _parts(value: object, name: str) -> _Parts:
    """Take an object apart into its parts and their places."""
    if isinstance(value, list | tuple | set | frozenset) and type(value) in _CONTAINERS:
        return [(f"[{index}]", part) for index, part in enumerate(value)]
    if isinstance(value, dict) and type(value) in _CONTAINERS:
        return [(f".{key}", part) for key, item in value.items() for part in (key, item)]
    reduce = copyreg.dispatch_table.get(type(value))
    try:
        reduced = reduce(value) if reduce else value.__reduce_ex__(4)
    except TypeError as error:
        raise ValueError(
            f"{name} is a {type(value).__name__}, which cannot be described."
        ) from error
    if isinstance(reduced, str):
        return [("", reduced)]
    _, arguments, state, members, items = (*reduced, None, None, None)[:5]
    if isinstance(state, dict):
        notes = {key for kind, keys in _NOTES.items() if isinstance(value, kind) for key in keys}
        state = {key: part for key, part in state.items() if key not in notes}
    return [("", arguments), ("", state), ("", list(members or ())), ("", dict(items or ()))]


def _array(value: np.ndarray) -> str:
    """Describe an array by a digest of its content."""
    digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    return f"array({value.dtype.str}, {value.shape}, {digest})"


def _global(value: _Global, name: str) -> str:
    """Name a class or function, with the version of its library and its module's source."""
    module = sys.modules.get(value.__module__)
    found: object = module
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    if module is None or found is not value:
        raise ValueError(
            f"{name} is a {value.__qualname__} without a name of its own in {value.__module__}, so "
            "a change of its code would go unnoticed. Use a function or class of a module."
        )
    library = sys.modules[value.__module__.partition(".")[0]]
    words = [f"{value.__module__}.{value.__qualname__}"]
    if version := getattr(library, "__version__", None):
        words.append(str(version))
    # Built-in modules have no file; Python's own version does not change what they do here.
    with contextlib.suppress(TypeError, OSError):
        words.append(hashlib.sha256(Path(inspect.getfile(module)).read_bytes()).hexdigest()[:16])
    return f"<{' '.join(words)}>"

"""First cause of an error that libraries have wrapped, and the object concerned."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator
from pathlib import Path

__all__ = ["chain", "first_cause", "in_package", "one_line", "transform_message"]

_PACKAGE = str(Path(__file__).parents[1]) + os.sep
_LIBRARIES = ("monai", "numpy", "scipy", "torch")
_TRANSFORM = re.compile(r"applying transform (?:<(?:\w+\.)*)?(\w+)")


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it came of, the first cause last."""
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def first_cause(error: BaseException) -> BaseException:
    """Find the error that caused all others of the chain."""
    return list(chain(error))[-1]


def in_package(error: BaseException) -> bool:
    """Recognize an error that this package's own code raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename.startswith(_PACKAGE)


def _in_library(error: BaseException) -> bool:
    """Recognize an error that a library raised about its arguments."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    name = str(frames[-1].f_globals.get("__name__", "")) if frames else ""
    return name.partition(".")[0] in _LIBRARIES


def one_line(error: BaseException) -> str:
    """Return an error's kind and text as one sentence."""
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".") + "."


def transform_message(error: BaseException) -> str | None:
    """Name the transform of a library that failed, and the reason; None if none did.

    A fault of this package's own code, or of a user's, is no such message: it keeps its traceback.
    """
    cause = first_cause(error)
    names = [match[1] for link in chain(error) if (match := _TRANSFORM.match(str(link)))]
    # A Compose tells of what failed in it, and is told of in turn.
    name = next((name for name in reversed(names) if name != "Compose"), None)
    if name is None or not _in_library(cause):
        return None
    return f"transform {name} fails: {one_line(cause)} Check its arguments."

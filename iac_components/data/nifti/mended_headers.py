"""Headers that nibabel mends while it reads them, reported once with the file's name."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from nibabel import imageglobals

__all__ = ["mended_header_named"]

_LOGGER = logging.getLogger("iac_components.data")
_TOLD: set[str] = set()


class _HeldBack(logging.Filter):
    """Holds back nibabel's log records for the caller, who knows the file's name."""

    def __init__(self) -> None:
        super().__init__()
        self.local = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a record pass unless a file is being read."""
        held: list[str] | None = getattr(self.local, "held", None)
        if held is None:
            return True
        held.append(record.getMessage())
        return False


_HELD = _HeldBack()
imageglobals.logger.addFilter(_HELD)


@contextmanager
def mended_header_named(path: str) -> Iterator[None]:
    """Warn once of a file whose header is mended in the block; nibabel does not name it.

    An error of the block is left to whoever reports it, and nothing is said besides.

    Args:
        path: the file.
    """
    held: list[str] = []
    before = getattr(_HELD.local, "held", None)
    _HELD.local.held = held
    try:
        yield
    finally:
        _HELD.local.held = before
    if held and path not in _TOLD:
        _TOLD.add(path)
        found = "; ".join(dict.fromkeys(held))
        _LOGGER.warning(f"'{path}' has a header that is mended while it is read ({found}).")

"""Progress bars that a log can hold, too."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import NoReturn, TextIO, TypeVar, cast

from tqdm.auto import tqdm

__all__ = ["LINE_SECONDS", "progress_bar", "progress_over", "redraws"]

Item = TypeVar("Item")

LINE_SECONDS = 60.0
"""From one line to the next where a bar cannot be drawn anew, as in a file."""


def progress_bar(**options: object) -> tqdm[NoReturn]:
    """Return a bar; where standard error is no terminal, as in a cluster's log, a line a minute.

    Args:
        **options: of ``tqdm``.
    """
    log = {"file": _Lines(sys.stderr), "ncols": 0, "mininterval": LINE_SECONDS}
    form = {"dynamic_ncols": True, "mininterval": 0.5} if redraws() else log
    return tqdm(**{"miniters": 1, **form, **options})  # type: ignore[call-overload,no-any-return]


def progress_over(
    items: Iterable[Item], *, desc: str, unit: str = "case", disable: bool = False
) -> Iterable[Item]:
    """Go through items with a bar, of which a log gets nothing within the first minute.

    Args:
        items: of known number.
        desc: what is done.
        unit: an item's name.
        disable: show nothing.
    """
    delay = 0.0 if redraws() else LINE_SECONDS
    bar = progress_bar(iterable=items, desc=desc, unit=unit, delay=delay, disable=disable)
    return cast("Iterable[Item]", bar)


def redraws() -> bool:
    """Tell whether a line can be written over: on a terminal, and in a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


class _Lines:
    """A stream on which each drawing of a bar is a line.

    Args:
        stream: that is written to.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        """Write a drawing, if it shows anything."""
        if drawing := text.strip():
            self.stream.write(f"{drawing}\n")

    def flush(self) -> None:
        """Hand over what was written."""
        self.stream.flush()

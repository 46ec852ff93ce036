"""Text of unknown origin, in whatever encoding and dialect a spreadsheet or editor saved it."""

from __future__ import annotations

import codecs
import io
import re
from pathlib import Path

__all__ = ["decode_text", "open_table", "read_text"]

_MARKS = (
    # UTF-32's mark begins with UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)

_PROBE = 1000
"""Bytes by which UTF-16 without a mark is recognized."""

_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")

_DELIMITERS = ",;\t"


def read_text(path: str | Path) -> str:
    """Read a text file in UTF-8, UTF-16, UTF-32 or Windows-1252, with or without its mark.

    Args:
        path: the file.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is no text; the caller names the file.
    """
    return decode_text(Path(path).read_bytes())


def decode_text(content: bytes) -> str:
    """Decode text by its byte order mark, else by what its bytes can be.

    UTF-16 without a mark shows by the zeros beside its ASCII characters. Bytes that are no UTF-8
    are read as Windows-1252, which Excel writes in Western Europe and of which Latin-1's text is a
    part.

    Raises:
        ValueError: if the bytes are no text.
    """
    encodings = [name for mark, name in _MARKS if content.startswith(mark)][:1]
    for encoding in encodings or [*_unmarked_utf16(content), "utf-8", "cp1252"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not _NO_TEXT.search(text):
            return text
    raise ValueError("not text in UTF-8, UTF-16 or Latin-1. Save it as UTF-8 text.")


def open_table(text: str) -> tuple[io.StringIO, str]:
    """Open the text of a table whose columns are separated by commas, semicolons or tabs.

    Returns:
        A stream for the ``csv`` module, and the separator, which the first line tells. A line
        ``sep=;`` before it, as Excel writes it, is left out.
    """
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep="):
        text, first = rest, rest.partition("\n")[0]
    return io.StringIO(text, newline=""), max(_DELIMITERS, key=first.count)


def _unmarked_utf16(content: bytes) -> list[str]:
    """Return the encoding of UTF-16 without a mark, if the zeros of its ASCII characters show."""
    even, odd = content[0:_PROBE:2], content[1:_PROBE:2]
    for encoding, high_bytes in (("utf-16-be", even), ("utf-16-le", odd)):
        # Half of a header or of JSON is ASCII, whatever the language.
        if 2 * high_bytes.count(0) > len(high_bytes):
            return [encoding]
    return []

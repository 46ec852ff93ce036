"""Files: atomic writing, text and JSON of unknown origin, temporary files, errors of the disk."""

from __future__ import annotations

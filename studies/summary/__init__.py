"""The one page that says what was found: ``docs/RESULTS.md``."""

from __future__ import annotations

"""The report of an adaptation: one page as HTML, and the same as Markdown."""

from __future__ import annotations

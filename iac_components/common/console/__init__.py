"""Command line of ``python -m monai.bundle``: the typed options, and errors in one line."""

from __future__ import annotations

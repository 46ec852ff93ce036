"""The command line of ``python -m monai.bundle``: what was typed, and errors in one line."""

from __future__ import annotations

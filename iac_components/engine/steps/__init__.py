"""Parts of a single step: its input, precision, gradients across processes, and loss."""

from __future__ import annotations

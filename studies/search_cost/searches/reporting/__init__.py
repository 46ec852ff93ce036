"""What a benchmark measured: read back, summed up, and written as raw numbers."""

from __future__ import annotations

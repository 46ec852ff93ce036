"""Values that contradict each other, the run's length, or the machine."""

from __future__ import annotations

"""Pictures of a DiNTS search and the topology that it found."""

from __future__ import annotations

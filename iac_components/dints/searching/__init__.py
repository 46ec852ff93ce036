"""The run of a topology search: its trainer, what it deletes, and what it writes."""

from __future__ import annotations

"""Keys of a run's configs: which are defined, by whom, and which nothing defines."""

from __future__ import annotations

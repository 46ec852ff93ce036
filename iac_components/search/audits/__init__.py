"""Audits of a search: what the network can do without, decided look by look."""

from __future__ import annotations

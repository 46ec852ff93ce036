"""Audits of a search, which find the parts that the network does not need, look by look."""

from __future__ import annotations

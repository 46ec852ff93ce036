"""Helpers that know nothing of the field; every room may import them, they import no other."""

from __future__ import annotations

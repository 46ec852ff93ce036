"""Paired comparison of evaluated runs, patient by patient."""

from __future__ import annotations

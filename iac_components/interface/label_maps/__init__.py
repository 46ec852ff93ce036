"""Scoring of a folder of label maps against its references."""

from __future__ import annotations

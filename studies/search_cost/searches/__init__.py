"""Whole searches in several modes, epoch by epoch in turns, and trainings of their cells."""

from __future__ import annotations

"""Averages over configurations of a data set: their runs, their probabilities, label maps."""

from __future__ import annotations

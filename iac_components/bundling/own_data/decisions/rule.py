"""A decision with its reason, and the source of the rule behind it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MEASURED", "NNUNET", "OURS", "STATED", "Choice"]

NNUNET = "nnU-Net"
"""Isensee et al., Nature Methods 18, 203-211 (2021), and its code of version 2."""

OURS = "our choice"
STATED = "the data set"
MEASURED = "measured"


@dataclass(frozen=True)
class Choice:
    """A value of the configs.

    Attributes:
        key: the top-level key.
        value: as it stands there, or one value for each stage.
        reason: why, for the table.
        source: of the rule.
        by_stage: whether ``value`` is an object of stages.
    """

    key: str
    value: object
    reason: str
    source: str
    by_stage: bool = False

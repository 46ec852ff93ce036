"""Groups of parts that are judged together, and a judge's ruling on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iac_components.search.audits.audit import Effects, FloatArray
from iac_components.search.audits.looks.standing import IntArray
from iac_components.search.evidence.parts import Part
from iac_components.search.stability_pruning.stability import BoolArray

__all__ = ["Bundle", "Group", "Rules", "Ruling", "best_of"]

Bundle = tuple[Part, ...]
"""Parts that are left out together."""


@dataclass(frozen=True)
class Group:
    """Parts that are judged together.

    Attributes:
        stage: of the look.
        row: level of the weights, or block; 0 for cells.
        index: of the node, edge or path; 0 for cells and nodes.
        parts: that compete.
        competing: whether more of them live than may stay, so that they are also compared with
            each other.
    """

    stage: str
    row: int
    index: int
    parts: tuple[Part, ...]
    competing: bool = False


@dataclass(frozen=True)
class Rules:
    """Numbers that a judge needs.

    Attributes:
        tolerance: loss that does not matter.
        level: error of each bound.
        costs: (O,) of the operations.
    """

    tolerance: float
    level: float
    costs: FloatArray


@dataclass(frozen=True)
class Ruling:
    """Ruling of a judge on a group's K parts.

    Attributes:
        effects: of the parts.
        standings: (K,) of :class:`Standing`.
        going: the parts that may go, by index.
        rival: (P,) gains of the part for which they go, since one of them stays; None where they
            go since they are needless.
        together: the parts left out if all cells go: then nothing else needs to be measured.
    """

    effects: Effects
    standings: IntArray
    going: tuple[int, ...]
    rival: FloatArray | None = None
    together: Bundle = ()


def best_of(gains: FloatArray, keep: BoolArray, rank: int) -> FloatArray:
    """Gains of the kept part with the ``rank``-th best mean."""
    kept = np.flatnonzero(keep)
    ranked = kept[np.argsort(-gains[kept].mean(axis=1), kind="stable")]
    found: FloatArray = gains[ranked[min(rank, len(ranked)) - 1]]
    return found

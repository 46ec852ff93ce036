"""Settings of a search's audit, and the division of its error among all its comparisons."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from iac_components.search.audits.audit import Confidence, comparisons_among
from iac_components.search_space.space import SearchSpace

__all__ = [
    "AUDIT_WARMUP",
    "STAGES",
    "AuditSettings",
    "CostUnit",
    "Stage",
    "error_level",
    "error_share",
]

Stage = Literal["cells", "nodes", "inputs", "operations"]
STAGES: tuple[Stage, ...] = ("cells", "nodes", "inputs", "operations")
"""From coarse to fine, each of which has the same share of the error."""

AUDIT_WARMUP = 3
"""Epochs between the warm-up of the weights and the first look: the cells must open."""

CostUnit = Literal["milliseconds", "multiply_adds"]

TRAINING_PASSES = 3
"""Passes that a training step costs: one forward, and a backward one of twice its work."""


@dataclass(frozen=True)
class AuditSettings:
    """Rules of an audit.

    Attributes:
        tolerance: loss that does not matter.
        alpha: probability that any deletion of the search is wrong.
        every: epochs from one look to the next; None spaces the looks so that they cost no more
            than ``share`` allows, see :meth:`paced`.
        share: passes that looks may cost for one that the weights' training costs, where ``every``
            is None. Looks judge images without gradients; to train on one counts as three passes.
        warmup_epochs: epochs before the first look: the cells must have opened first.
        passes: decoder passes over the judged images that a look may cost. Checks of what would go
            together come on top, a few at most; a look measures one group, whatever it costs.
        cost: unit by which the cheaper of equals is told.
        max_cost: of inference with the found cells over the plain network's; None bounds nothing.

    Raises:
        ValueError: if a value is out of range; the message names it.
    """

    tolerance: float = 0.003
    alpha: float = 0.05
    every: int | None = None
    share: float = 1.0
    warmup_epochs: int = 5
    passes: int = 20
    cost: CostUnit = "multiply_adds"
    max_cost: float | None = None

    def __post_init__(self) -> None:
        Confidence(self.alpha)  # its message names alpha
        for name, value, least in (
            ("tolerance", self.tolerance, 0),
            ("every", 1 if self.every is None else self.every, 1),
            ("warmup_epochs", self.warmup_epochs, 0),
            ("passes", self.passes, 1),
            ("max_cost", 1 if self.max_cost is None else self.max_cost, 1),
        ):
            if not value >= least:
                raise ValueError(f"{name} must be at least {least}, got {value}.")
        if not self.share > 0:
            raise ValueError(f"share must be greater than 0, got {self.share}.")
        if self.cost not in ("milliseconds", "multiply_adds"):
            raise ValueError(f"cost must be milliseconds or multiply_adds, got {self.cost!r}.")

    def paced(self, *, judged: int, trained: int) -> AuditSettings:
        """Return settings whose looks are spaced, unless they are already.

        Args:
            judged: images of one pass of a look.
            trained: images that the weights are trained on in an epoch.
        """
        if self.every is not None:
            return self
        afforded = self.share * TRAINING_PASSES * trained
        return replace(self, every=max(1, math.ceil(self.passes * judged / afforded)))

    def look_after(self, epoch: int) -> int | None:
        """Return the number of the look after an epoch, both counted from 1; None for no look.

        Raises:
            ValueError: if the looks are not spaced yet.
        """
        steps, rest = divmod(epoch - self.warmup_epochs - 1, self._spacing)
        return steps + 1 if steps >= 0 and rest == 0 else None

    def looks_until(self, epoch: int) -> int:
        """Return the number of looks up to an epoch.

        Raises:
            ValueError: if the looks are not spaced yet.
        """
        return max(0, (epoch - self.warmup_epochs - 1) // self._spacing + 1)

    @property
    def _spacing(self) -> int:
        if self.every is None:
            raise ValueError("the looks have no spacing: give `every`, or call `paced` first.")
        return self.every


def error_level(
    settings: AuditSettings, stage: str, look: int, *, space: SearchSpace, places: int
) -> float:
    """Return the error that one comparison of a stage may spend at a look.

    Each stage has a quarter of alpha, for all of its looks and comparisons together; the number of
    looks is open, so that a search may be made longer. A part against nothing makes two one-sided
    comparisons (is it needed, is it needless); entries of which one stays are compared pairwise.

    Args:
        settings: of the audit.
        stage: of the comparison.
        look: counted from 1.
        space: the search space of L levels.
        places: number of places for cells in the network.
    """
    widths = [len(space.inputs_of(node)) for node in range(space.num_nodes)]
    counts = {
        # Every cell, every skip, and all cells together.
        "cells": 2 * (2 * places + 1),
        "nodes": 2 * space.levels * space.num_nodes,
        "inputs": space.levels * sum(2 * width + comparisons_among(width) for width in widths),
        "operations": space.levels * sum(widths) * comparisons_among(len(space.operations)),
    }
    return error_share(settings, counts[stage], look, stages=len(STAGES))


def error_share(settings: AuditSettings, comparisons: int, look: int, *, stages: int) -> float:
    """Return the error of one comparison at a look, of a stage that has an even share of alpha.

    Args:
        settings: of the audit.
        comparisons: of the stage, at the start of the search. Sets of parts that go together are
            checked by halves, which makes a few more.
        look: counted from 1.
        stages: of a look.
    """
    together = comparisons.bit_length()
    return Confidence(settings.alpha / stages, comparisons + together).level(look)

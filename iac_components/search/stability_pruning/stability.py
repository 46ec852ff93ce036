"""Stability of distributions over epochs: pure functions and criteria, on plain arrays.

A *group* is whatever competes under one softmax: the operations of an edge, or the input edges of
a node. Source of the idea: IAC-LTH (arXiv 2604.14849). It leaves the reference epoch, threshold
and patience open; the forms here are our choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import rel_entr

__all__ = [
    "AverageStability",
    "Decision",
    "History",
    "JensenShannonStability",
    "Regardless",
    "StabilityCriterion",
    "divergence_from_uniform",
    "jensen_shannon_divergence",
    "restrict",
]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def jensen_shannon_divergence(p: FloatArray, q: FloatArray) -> FloatArray:
    """Jensen-Shannon divergence in base 2 along the last axis: 0 for equal, 1 for disjoint.

    Args:
        p: distributions (..., O).
        q: distributions (..., O), broadcast against ``p``.

    Returns:
        Divergences (...), within [0, 1].

    Raises:
        ValueError: if a value is NaN, infinite or negative.
    """
    if not (np.isfinite(p).all() and np.isfinite(q).all() and (p >= 0).all() and (q >= 0).all()):
        raise ValueError("distributions must be finite and non-negative.")
    middle = (p + q) / 2
    nats = (rel_entr(p, middle).sum(axis=-1) + rel_entr(q, middle).sum(axis=-1)) / 2
    divergence: FloatArray = np.clip(nats / np.log(2), 0.0, 1.0)
    return divergence


def divergence_from_uniform(p: FloatArray, alive: BoolArray) -> FloatArray:
    """Jensen-Shannon divergence between ``p`` (..., O) and uniform over its living entries."""
    uniform = alive / np.maximum(alive.sum(axis=-1, keepdims=True), 1)
    return jensen_shannon_divergence(p, np.broadcast_to(uniform, p.shape))


def restrict(p: FloatArray, alive: BoolArray) -> FloatArray:
    """Renormalise distributions (..., O) over their living entries.

    A distribution from before a pruning event becomes comparable with one from after it: it is the
    softmax over the survivors. Where nothing of it survives the result is zero.
    """
    kept = np.where(alive, p, 0.0)
    total = kept.sum(axis=-1, keepdims=True)
    result: FloatArray = np.divide(kept, total, out=np.zeros_like(kept), where=total != 0)
    return result


@dataclass(frozen=True)
class History:
    """Input of a stability criterion.

    Attributes:
        probabilities: (T, G, O) distribution of each group after each of T epochs.
        alive: (G, O) the entries that compete now.
        since: (G,) index of the first epoch after the group was last pruned: evidence of
            stability from before it does not count.
    """

    probabilities: FloatArray
    alive: BoolArray
    since: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Decision:
    """Decision of a stability criterion.

    Attributes:
        stable: (G,) groups whose weak entries may go.
        divergence: (G,) the newest divergence, NaN while there is too little history.
        keep: (G, O) what stays of each stable group, if the criterion has reasons of its own; None
            leaves the choice to a schedule and the probabilities.
    """

    stable: BoolArray
    divergence: FloatArray
    keep: BoolArray | None = None


class StabilityCriterion(Protocol):
    """Judges the groups that have settled; pure, so that any rule can replace it."""

    def decide(self, history: History) -> Decision:
        """Return which groups are stable after the newest epoch of ``history``."""
        ...


@dataclass(frozen=True)
class JensenShannonStability:
    """Stable: the distribution stopped changing, after it had moved away from uniform.

    d(t) is the divergence between epoch t and epoch t - ``window``. A group is stable when d stayed
    at or below the threshold for ``patience`` epochs, and it is at least ``min_signal`` away from
    uniform (alphas start near zero: without this every group looks stable at once).

    A tie is settled too: a group that has been pruned before (so its alphas have shown that they
    carry a signal) and whose survivors are level, d at or below ``tie_threshold`` for
    ``tie_patience`` epochs, would otherwise prolong the search although it matters little.

    Attributes:
        threshold: bound on d; absolute, or as a fraction of the divergence from uniform.
        relative: which of the two. The absolute size of d says little (it is small from the first
            epoch to the last), its ratio to the way come so far falls steadily.
        window: epochs between the two distributions compared.
        patience: epochs in a row for which the bound must hold.
        warmup_epochs: epochs at the start in which nothing is stable.
        min_signal: least divergence from uniform (base 2) of a group that may be stable.
        tie_threshold: absolute bound on d for a tie.
        tie_patience: epochs in a row for which a tie must last.

    Raises:
        ValueError: if a parameter is out of range; the message names it.
    """

    threshold: float = 0.3
    relative: bool = True
    window: int = 3
    patience: int = 2
    warmup_epochs: int = 3
    min_signal: float = 1e-4
    tie_threshold: float = 1e-3
    tie_patience: int = 8

    def __post_init__(self) -> None:
        for name, value, least in (
            ("threshold", self.threshold, 0),
            ("window", self.window, 1),
            ("patience", self.patience, 1),
            ("warmup_epochs", self.warmup_epochs, 0),
            ("min_signal", self.min_signal, 0),
            ("tie_threshold", self.tie_threshold, 0),
            ("tie_patience", self.tie_patience, 1),
        ):
            if not value >= least:
                raise ValueError(f"{name} must be at least {least}, got {value}.")

    def decide(self, history: History) -> Decision:
        """Return the stable groups; NaN or infinity anywhere in a group's evidence is unstable."""
        epochs, groups = history.probabilities.shape[:2]
        if epochs <= self.window:
            return Decision(np.zeros(groups, dtype=bool), np.full(groups, np.nan))
        recent = range(max(epochs - max(self.patience, self.tie_patience), self.window), epochs)
        used = history.probabilities[self._first_used(recent[0]) :]
        sound = np.asarray((np.isfinite(used) & (used >= 0)).all(axis=(0, 2)))
        # Epochs too old to take part may hold anything.
        clean = np.where(
            sound[:, None] & np.isfinite(history.probabilities), history.probabilities, 0.0
        )
        restricted = restrict(clean, history.alive)
        references = [self._reference(restricted, epoch) for epoch in recent]
        current = restricted[recent[0] :]
        divergence = jensen_shannon_divergence(current, np.stack(references))
        signal = divergence_from_uniform(current, np.broadcast_to(history.alive, current.shape))
        bound = self.threshold * (signal if self.relative else np.ones_like(signal))
        settled = (divergence <= bound) & (signal >= self.min_signal)
        level = (divergence <= self.tie_threshold) & (history.since > 0)
        stable = self._lasts(settled, self.patience, history) | self._lasts(
            level, self.tie_patience, history
        )
        return Decision(stable & sound, np.where(sound, divergence[-1], np.nan))

    def _lasts(self, holds: BoolArray, patience: int, history: History) -> BoolArray:
        """Mark groups whose condition (recent epochs, G) held for the last ``patience`` epochs."""
        first = len(history.probabilities) - patience
        if first < max(self.warmup_epochs, self.window):
            return np.zeros(holds.shape[1], dtype=bool)
        return np.asarray(holds[-patience:].all(axis=0) & (first >= history.since))

    def _first_used(self, epoch: int) -> int:
        """Return the oldest epoch that takes part in the reference of ``epoch``."""
        return epoch - self.window

    def _reference(self, probabilities: FloatArray, epoch: int) -> FloatArray:
        """Return the distributions (G, O) with which epoch ``epoch`` is compared."""
        reference: FloatArray = probabilities[epoch - self.window]
        return reference


@dataclass(frozen=True)
class AverageStability(JensenShannonStability):
    """As :class:`JensenShannonStability`, against an exponential average of the past.

    Attributes:
        decay: weight of the past in each update of the average, in [0, 1); the average covers the
            epochs up to ``window`` before the one judged, and starts at the first epoch.
    """

    decay: float = 0.7

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.decay < 1:
            raise ValueError(f"decay must be in [0, 1), got {self.decay}.")

    def _first_used(self, epoch: int) -> int:
        return 0

    def _reference(self, probabilities: FloatArray, epoch: int) -> FloatArray:
        past = probabilities[: epoch - self.window + 1]
        ages = np.arange(len(past))[::-1]
        weights = (1 - self.decay) * self.decay**ages
        weights[0] = self.decay ** (len(past) - 1)
        average: FloatArray = np.tensordot(weights, past, axes=1)
        return average


@dataclass(frozen=True)
class Regardless:
    """Call every group settled, and keep the divergence of a criterion for the trace.

    For a search that is decided by other reasons.

    Attributes:
        criterion: whose divergence is traced.
    """

    criterion: StabilityCriterion

    def decide(self, history: History) -> Decision:
        """Return that every group may lose what others say."""
        decision = self.criterion.decide(history)
        return Decision(np.ones_like(decision.stable), decision.divergence)

"""A floor of evidence for criteria of stability: noise that has stopped moving is still noise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from iac_components.search.audits.audit import Confidence
from iac_components.search.stability_pruning.stability import (
    BoolArray,
    Decision,
    FloatArray,
    History,
    StabilityCriterion,
)

__all__ = ["EvidenceFloor", "drift_p_values"]

EPOCH_MEANS = 1.5
"""Means over the steps of an epoch move less than the walk they are of: their increments are
correlated by 1/4 with the next, and the variance of a sum is 1 + 2/4 times that of its terms."""


def drift_p_values(history: History) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Test, for each group, whether its distribution went farther than a random walk would.

    Logarithms of probabilities, centred over the living entries, are the architecture parameters,
    and the increments between epochs their steps. Of T steps in a random walk the squared length of
    the sum, over T times the sum of squared lengths, follows a beta distribution with parameters
    d/2 and (T-1) d/2 in d equal directions. For directions that are not equal d is the effective
    number, tr(S)^2 / tr(S^2) of the steps' second moments S (after Box, Annals of Mathematical
    Statistics 25, 1954); a drift lowers it, which makes the test the stricter. Epochs without a
    step, as in the warm-up, do not count.

    Args:
        history: of G groups.

    Returns:
        (G,) probability that a walk goes so far; 1 where there is too little history or a value is
        not finite. (G,) number of steps T.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logits = np.where(history.alive, np.log(history.probabilities), 0.0)
        sound = np.asarray(np.isfinite(logits).all(axis=(0, 2)))
        logits = np.where(sound[:, None], logits, 0.0)
    living = np.maximum(history.alive.sum(axis=-1), 1)
    centre = logits.sum(axis=-1) / living
    steps = np.diff(np.where(history.alive, logits - centre[..., None], 0.0), axis=0)
    lengths = (steps**2).sum(axis=-1)
    count = np.asarray((lengths > 0).sum(axis=0), dtype=np.int64)
    total = count * lengths.sum(axis=0)
    way = (steps.sum(axis=0) ** 2).sum(axis=-1)
    share = np.divide(way, total, out=np.zeros_like(way), where=total > 0)
    moments = np.einsum("tgi,tgj->gij", steps, steps)
    squared = (moments**2).sum(axis=(1, 2))
    directions = np.divide(
        lengths.sum(axis=0) ** 2, squared, out=np.ones_like(squared), where=squared > 0
    )
    spread = directions * np.maximum(count - 1, 1) / 2
    p_values = beta.sf(np.clip(share / EPOCH_MEANS, 0.0, 1.0), directions / 2, spread)
    return np.where(sound & (count >= 2), p_values, 1.0), count


@dataclass(frozen=True)
class EvidenceFloor:
    """Let a group be stable only once it has gone farther than a random walk of as many steps.

    A stability test measures stillness; this adds that the group has come from somewhere. It looks
    after every epoch, so its error is spent over them. Survivors of a pruning that stand level are
    a tie to :class:`JensenShannonStability` and undecided here.

    Epochs need some five architecture steps: of fewer, the optimizer's momentum alone makes a walk
    look like a way.

    Attributes:
        criterion: judges stability.
        alpha: probability that a group without a signal ever passes.
    """

    criterion: StabilityCriterion
    alpha: float = 0.05

    def __post_init__(self) -> None:
        Confidence(self.alpha)  # its message names alpha

    def decide(self, history: History) -> Decision:
        """Return the criterion's decision without the groups that may be walking."""
        decision = self.criterion.decide(history)
        p_values, steps = drift_p_values(history)
        confidence = Confidence(self.alpha)
        levels = np.array([confidence.level(max(1, int(count))) for count in steps])
        moved: BoolArray = p_values <= levels
        return replace(decision, stable=decision.stable & moved)

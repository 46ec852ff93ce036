"""Answers of a searched supernet, by its alphas and by what dropping an operation costs."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from iac_components.search.audit import Confidence, Verdict, comparisons_among, judge
from iac_components.search.part_gains import OperationGains
from iac_components.search.parts import Part
from iac_components.search.patient_losses import PatientLosses

__all__ = ["TOLERANCE", "Answer", "read_answer"]

TOLERANCE = 0.003
"""Loss that does not matter, as in 0.3 points of soft Dice (our choice)."""


@dataclass(frozen=True)
class Answer:
    """What two rules make of the same supernet: the operation on the skip edge of its node.

    Attributes:
        alphas: the operation of the greatest weight.
        audit: the operation whose loss costs most.
        decided: whether all the others are worse or equal beyond their bounds, at one look.
        effect: mean gain of the audit's operation.
        margin: by how much it leads the second.
        cells: (levels) mean gain of each level's cell.
        needed: whether any cell gains more than the tolerance, beyond its bound.
    """

    alphas: str
    audit: str
    decided: bool
    effect: float
    margin: float
    cells: tuple[float, ...]
    needed: bool

    def values(self) -> dict[str, object]:
        """Return the answer as JSON values."""
        return asdict(self)


def read_answer(losses: PatientLosses, *, alpha: float = 0.05) -> Answer:
    """Ask both rules about the first edge, from the skip into the node.

    Args:
        losses: of the searched supernet on the architecture half.
        alpha: error of all bounds of the look together.
    """
    network = losses.network
    space = network.space
    alive = network.alive.cpu().numpy()
    weights = network.distributions().operations.detach().cpu().double().numpy()[0, 0]
    real = np.array([name != "none" for name in space.operations])
    gains = OperationGains(losses)(alive.reshape(-1, alive.shape[-1]))[0]
    means = np.where(real, gains.mean(axis=1), -np.inf)
    order = np.argsort(-means)
    confidence = Confidence(alpha, comparisons_among(int(real.sum())))
    judgement = judge(gains, alive=real, tolerance=TOLERANCE, level=confidence.level(1))
    cells, needed = _cells(losses, alpha)
    return Answer(
        alphas=space.operations[int(np.where(real, weights, -1).argmax())],
        audit=space.operations[int(order[0])],
        decided=bool((judgement.verdicts[real] != Verdict.UNDECIDED).all()),
        effect=float(means[order[0]]),
        margin=float(means[order[0]] - means[order[1]]),
        cells=cells,
        needed=needed,
    )


def _cells(losses: PatientLosses, alpha: float) -> tuple[tuple[float, ...], bool]:
    """Gain of each level's cell, and whether one is worth having."""
    parts = [Part("cell", level) for level in range(losses.levels)]
    reference, without = losses.measure(parts)
    gains = without - reference
    level = Confidence(alpha, 2 * len(parts)).level(1)
    worth = [
        bool(
            judge(
                np.stack([row, np.full_like(row, TOLERANCE)]),
                alive=np.ones(2, dtype=bool),
                tolerance=0.0,
                level=level,
            ).worse[1]
        )
        for row in gains
    ]
    return tuple(float(row.mean()) for row in gains), any(worth)

"""A searched supernet raced to its end, look by look, without further training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from iac_components.search import AuditRacing, Confidence, History, OperationGains, PatientLosses
from iac_components.search.audit import comparisons_among

__all__ = ["Race", "run_race"]


@dataclass(frozen=True)
class Race:
    """What is left of the first edge, from the skip into the node.

    Attributes:
        left: names of the living operations.
        looks: looks taken; the last one deleted nothing, or found nothing to delete.
    """

    left: tuple[str, ...]
    looks: int


def run_race(
    losses: PatientLosses, *, alpha: float = 0.05, tolerance: float, at_once: int = 1
) -> Race:
    """Delete operations from a supernet until a look changes nothing; the supernet is pruned.

    Args:
        losses: of the searched supernet on the architecture half.
        alpha: error of all deletions of all looks together.
        tolerance: loss that does not matter.
        at_once: operations that an edge loses at a look.
    """
    network = losses.network
    space = network.space
    groups = network.alive.flatten(0, 1).cpu().numpy()
    real = [name != "none" for name in space.operations]
    criterion = AuditRacing(
        OperationGains(losses),
        # Of equals an identity is the cheapest; the others are alike.
        np.array([float(name != "skip_connect") for name in space.operations]),
        Confidence(alpha, len(groups) * comparisons_among(sum(real) + 1)),
        tolerance=tolerance,
        warmup_epochs=0,
        at_once=at_once,
        forbidden=space.none_index if space.none_index is not None else -1,
    )
    look = 0
    while True:
        look += 1
        probabilities = np.broadcast_to(
            groups / groups.sum(-1, keepdims=True), (look, *groups.shape)
        )
        history = History(probabilities, groups, np.zeros(len(groups), dtype=np.int64))
        keep = criterion.decide(history).keep
        if keep is None or (keep == groups).all():
            break
        groups = keep
        network.prune(torch.from_numpy(keep).view(network.alive.shape))
    left = np.flatnonzero(groups[0])
    return Race(tuple(space.operations[column] for column in left), look)

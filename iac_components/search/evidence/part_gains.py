"""Gains of a supernet's operations and edges, arranged as the criteria see their groups."""

from __future__ import annotations

import numpy as np

from iac_components.search.audits.audit import gains
from iac_components.search.evidence.parts import Part, living_parts
from iac_components.search.evidence.patient_losses import PatientLosses
from iac_components.search.stability_pruning.stability import BoolArray, FloatArray

__all__ = ["EdgeGains", "OperationGains"]


class OperationGains:
    """Gain of each living operation of an edge: the loss that dropping it adds; ``none`` gains 0.

    Args:
        losses: of the supernet on the architecture half.
    """

    def __init__(self, losses: PatientLosses) -> None:
        self.losses = losses

    def __call__(self, alive: BoolArray) -> FloatArray:
        """Map living operations (L*E, O) to gains (L*E, O, P); the dead and the lone are NaN."""
        space = self.losses.network.space
        shape = (space.levels, len(space.edges), len(space.operations))
        living = alive.reshape(shape)
        found = np.full((*shape, len(self.losses.patients)), np.nan)
        if space.none_index is not None:
            found[..., space.none_index, :] = 0.0
        parts = living_parts(space, living, kinds=["operation"])
        for part, row in zip(parts, _measure(self.losses, parts), strict=True):
            found[part.level, part.index, part.column] = row
        return found.reshape(*alive.shape, -1)


class EdgeGains:
    """Gain of each living input of a node: the loss that dropping it adds.

    Args:
        losses: of the supernet on the architecture half.
    """

    def __init__(self, losses: PatientLosses) -> None:
        self.losses = losses

    def __call__(self, alive: BoolArray) -> FloatArray:
        """Map living inputs (L*N, W), padded to the widest node, to gains (L*N, W, P)."""
        space = self.losses.network.space
        places = {
            Part("edge", level, space.edges_of(node).start + column): (group, column)
            for group, (level, node) in enumerate(np.ndindex(space.levels, space.num_nodes))
            for column in range(len(space.inputs_of(node)))
            if alive[group, column]
        }
        found = np.full((*alive.shape, len(self.losses.patients)), np.nan)
        for place, row in zip(places.values(), _measure(self.losses, list(places)), strict=True):
            found[place] = row
        return found


def _measure(losses: PatientLosses, parts: list[Part]) -> FloatArray:
    return gains(*losses.measure(parts))

"""Losses by patient of a topology supernet without some of its paths and operations."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from iac_components.dints.searching.remaining_topology import RemainingTopology
from iac_components.dints.topology_network import Features
from iac_components.dints.topology_supernet import DintsSearchNetwork
from iac_components.search.evidence.losses_by_patient import Loss, LossesByPatient
from iac_components.search.evidence.parts import Part
from iac_components.search.evidence.patient_batches import PatientBatch

__all__ = ["TopologyLosses"]


class TopologyLosses(LossesByPatient):
    """Losses by patient, as the supernet would have them if the parts were pruned.

    What the blocks before the first that loses anything give is computed once a batch and kept, so
    that a pass costs the blocks from there on.

    Args:
        network: the supernet.
        batches: of :func:`group_by_patient`, on any device; whole patches.
        loss_function: of logits (b, classes, *S) and labels (b, 1, *S) of one patient.
        device: where to compute.

    Raises:
        RankError: if the ranks have different patients.
    """

    def __init__(
        self,
        network: DintsSearchNetwork,
        batches: Sequence[PatientBatch],
        loss_function: Loss,
        *,
        device: str | torch.device = "cpu",
    ) -> None:
        super().__init__(network, batches, loss_function, device=device)
        self.network = network

    def logits(
        self, number: int, images: Tensor, bundles: Sequence[Sequence[Part]]
    ) -> Iterator[Tensor]:
        """See :meth:`LossesByPatient.logits`."""
        network = self.network
        remaining = RemainingTopology(network.space, network.living())
        columns = [network.first_column(images)]
        columns += network.topology.columns(columns[0])
        for parts in bundles:
            yield network.read_nodes(
                self._last_column(columns, parts, remaining) if parts else columns[-1]
            )

    def _last_column(
        self, columns: list[Features], parts: Sequence[Part], remaining: RemainingTopology
    ) -> Features:
        """Compute the last block's features without some parts."""
        alive = remaining.without(parts).alive
        # Earlier than the parts, if paths lead nowhere without them: a block's features depend on
        # all paths of the block, even on those that none reads.
        first = int((alive != remaining.alive).any(axis=(1, 2)).argmax())
        topology = self.network.topology
        with topology.holding(torch.from_numpy(alive)):
            return deque(topology.columns(columns[first], first=first), maxlen=1)[0]

"""The cheapest stopping rule of the literature: the genotype has not changed for some epochs.

Source: DARTS+ (arXiv 1909.06035) stops once the ranking of the learnable operations has been stable
for some epochs. Differs from it in asking for the whole genotype to stay, edges too (our choice).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from iac_components.search_space import Genotype, SearchSpace, discretize
from iac_components.visualization import Trace

__all__ = ["EarlyStop", "genotypes_by_epoch", "stop_early", "stopping_epoch"]


@dataclass(frozen=True)
class EarlyStop:
    """Epoch at which a full search would have been stopped.

    Attributes:
        epoch: the last one that would have been run, from 1.
        stopped: whether the rule fired; if not, ``epoch`` is the last there is.
        genotype: of that epoch.
    """

    epoch: int
    stopped: bool
    genotype: Genotype


def stopping_epoch(
    genotypes: Sequence[Hashable], *, warmup_epochs: int, patience: int
) -> int | None:
    """Return the first epoch whose genotype is that of the ``patience`` epochs before it.

    All of these lie after the warm-up, in which the genotype cannot change.

    Args:
        genotypes: of epoch 1, 2, ...; anything that is equal for equal cells.
        warmup_epochs: epochs without an architecture step.
        patience: epochs without a change.

    Returns:
        The epoch, from 1; None if the rule never fires.

    Raises:
        ValueError: if ``patience`` is below 1.
    """
    if patience < 1:
        raise ValueError(f"patience must be at least 1, got {patience}.")
    unchanged = 0
    for index in range(warmup_epochs + 1, len(genotypes)):
        unchanged = unchanged + 1 if genotypes[index] == genotypes[index - 1] else 0
        if unchanged == patience:
            return index + 1
    return None


def genotypes_by_epoch(trace: Trace, space: SearchSpace) -> list[Genotype]:
    """Discretize a trace of T epochs, each on its own."""
    shape = (space.levels, len(space.edges))
    return [
        discretize(
            space,
            probability.reshape(*shape, len(space.operations)),
            edge_weights=edge_weight.reshape(shape),
        )
        for probability, edge_weight in zip(trace.probability, trace.edge_weight, strict=True)
    ]


def stop_early(trace: Trace, space: SearchSpace, *, warmup_epochs: int, patience: int) -> EarlyStop:
    """Apply the rule to the trace of a full search."""
    genotypes = genotypes_by_epoch(trace, space)
    digests = [genotype.digest for genotype in genotypes]
    found = stopping_epoch(digests, warmup_epochs=warmup_epochs, patience=patience)
    epoch = found or len(genotypes)
    return EarlyStop(epoch, found is not None, genotypes[epoch - 1])

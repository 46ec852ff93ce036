"""The best chain of activation patterns, one a block: an exact Viterbi pass over the blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from iac_components.dints.decoding.patterns import PatternTable
from iac_components.dints.topology import ArchitectureError

__all__ = ["best_chain"]


def best_chain(pattern_costs: NDArray[np.float64], table: PatternTable) -> NDArray[np.int64]:
    """Choose a pattern for every block so that they fit together and cost the least in sum.

    Which patterns may follow one depends on the depths where it ends alone. So a block needs the
    least cost for each of the 2**D - 1 sets of depths, not for each pair of its patterns, which
    is what makes a dense matrix of MONAI's decoder.

    Args:
        pattern_costs: (L, K), infinite for a pattern that may not be chosen.
        table: the K patterns.

    Returns:
        (L,) rows of ``table.patterns``; of equally good chains the same one every time.

    Raises:
        ArchitectureError: if no chain is allowed; the message names the block where it breaks.
    """
    by_target = np.argsort(table.targets, kind="stable")
    masks, starts = np.unique(table.targets[by_target], return_index=True)
    reach = np.zeros(masks[-1] + 1)
    totals = np.empty_like(pattern_costs)
    for block, costs in enumerate(pattern_costs):
        # Summed from the first block on, as a shortest-path search does: the same rounding.
        totals[block] = reach[table.sources] + costs
        if not np.isfinite(totals[block]).any():
            raise ArchitectureError(
                f"no allowed paths lead through block {block}: every pattern that continues the "
                "blocks before it needs a path without a living operation."
            )
        reach[masks] = np.minimum.reduceat(totals[block][by_target], starts)

    chosen = [int(totals[-1].argmin())]
    for block_totals in totals[-2::-1]:
        fits = table.targets == table.sources[chosen[-1]]
        chosen.append(int(np.where(fits, block_totals, np.inf).argmin()))
    return np.array(chosen[::-1])

"""The most probable architecture within a budget: a knapsack along the chain of blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iac_components.dints.decoding.patterns import PatternTable

__all__ = ["Knapsack"]

Floats = NDArray[np.float32]
Picks = list[tuple[int, float, int]]
"""Operations worth considering on a path: (bins, loss, operation)."""


@dataclass(frozen=True, eq=False)
class Knapsack:
    """Dynamic programming over (nodes that a block ends in, budget used so far).

    The budget is cut into ``BINS`` and each cost is rounded to the nearest bin, so that the best
    chain is found in one pass over the blocks. Rounding moves the total by about a hundredth of the
    budget; the caller checks the true cost of a chain, hence :meth:`chains` continues with the
    next cheaper one.

    Attributes:
        table: the K patterns of active paths.
        pattern_losses: (L, K), infinite where a pattern may not be chosen.
        picks: for each block and path its operations.
        pattern_bins: (L, K) cost of a pattern without its operations.
    """

    table: PatternTable
    pattern_losses: Floats
    picks: list[list[Picks]]
    pattern_bins: NDArray[np.int64]

    BINS = 256

    @classmethod
    def of(
        cls,
        table: PatternTable,
        pattern_losses: NDArray[np.float64],
        operation_losses: NDArray[np.float64],
        *,
        alive: NDArray[np.bool_],
        costs: NDArray[np.float64],
        pattern_costs: NDArray[np.float64],
        max_cost: float,
    ) -> Knapsack:
        """Cut a budget into bins.

        Args:
            table: the K patterns.
            pattern_losses: (L, K).
            operation_losses: (L, P, O).
            alive: (L, P, O) operations that may be chosen.
            costs: (L, P, O).
            pattern_costs: (L, K) beside those of the operations.
            max_cost: the budget.
        """

        def in_bins(values: NDArray[np.float64]) -> NDArray[np.int64]:
            # A budget of nothing still allows what costs nothing. Cut first: what costs more than
            # twice the budget is too much, and may be too much for a quotient.
            budget = max(float(max_cost), float(np.finfo(float).tiny))
            shares = np.minimum(values, 2 * budget) / budget
            return np.asarray(np.rint(shares * cls.BINS), np.int64)

        bins = in_bins(costs)
        picks = [
            [
                _worthwhile(bins[block, path], operation_losses[block, path], alive[block, path])
                for path in range(alive.shape[1])
            ]
            for block in range(alive.shape[0])
        ]
        return cls(table, pattern_losses.astype(np.float32), picks, in_bins(pattern_costs))

    def chains(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield (patterns (L,), operations (L, P)), the most probable first, ever cheaper ones."""
        sets = int(self.table.targets.max()) + 1
        reach = [np.full((sets, self.BINS + 1), np.inf, np.float32)]
        reach[0][:, 0] = 0
        from_pattern = []
        everything = np.arange(len(self.table.patterns))
        ending_in = [np.flatnonzero(self.table.targets == nodes) for nodes in range(sets)]
        for block in range(len(self.picks)):
            totals = self._stages(block, reach[-1], everything)[-1]
            following = np.full_like(reach[0], np.inf)
            chosen = np.zeros(following.shape, np.int64)
            for nodes in range(1, sets):
                rows = ending_in[nodes]
                best = totals[rows].argmin(axis=0)
                chosen[nodes] = rows[best]
                following[nodes] = totals[rows[best], range(self.BINS + 1)]
            reach.append(following)
            from_pattern.append(chosen)
        used = self.BINS + 1
        while used:
            last = reach[-1][:, :used]
            nodes, used = (int(index) for index in np.unravel_index(last.argmin(), last.shape))
            if not np.isfinite(last[nodes, used]):
                return
            yield self._trace(reach, from_pattern, nodes, used)

    def _stages(self, block: int, reach: Floats, rows: NDArray[np.int64]) -> list[Floats]:
        """(rows, BINS + 1) least loss by budget used: with a pattern, and after each of its paths.

        Args:
            block: which one.
            reach: (2**D, BINS + 1) of the blocks before.
            rows: patterns.
        """
        start = reach[self.table.sources[rows]] + self.pattern_losses[block, rows][:, None]
        bins = self.pattern_bins[block, rows]
        for used in np.unique(bins[bins > 0]).tolist():
            start[bins == used] = _shifted(start[bins == used], used)
        stages = [start]
        for path, picks in enumerate(self.picks[block]):
            before = stages[-1]
            after = before.copy()
            active = self.table.patterns[rows, path]
            options = [_shifted(before[active], bins) + np.float32(loss) for bins, loss, _ in picks]
            # A path without a living operation is in no pattern of finite loss.
            after[active] = np.minimum.reduce(options) if options else np.inf
            stages.append(after)
        return stages

    def _trace(
        self,
        reach: list[Floats],
        from_pattern: list[NDArray[np.int64]],
        nodes: int,
        used: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Follow the choices back from the last block."""
        patterns = np.zeros(len(self.picks), np.int64)
        operations = np.zeros((len(self.picks), self.table.patterns.shape[1]), np.int64)
        for block in reversed(range(len(self.picks))):
            row = patterns[block] = from_pattern[block][nodes, used]
            stages = self._stages(block, reach[block], patterns[block : block + 1])
            for path in reversed(np.flatnonzero(self.table.patterns[row]).tolist()):
                before = stages[path][0]
                options = [
                    before[used - bins] + np.float32(loss) if bins <= used else np.inf
                    for bins, loss, _ in self.picks[block][path]
                ]
                bins, _, operations[block, path] = self.picks[block][path][int(np.argmin(options))]
                used -= bins
            used -= int(self.pattern_bins[block, row])
            nodes = int(self.table.sources[row])
        return patterns, operations


def _worthwhile(
    bins: NDArray[np.int64], losses: NDArray[np.float64], alive: NDArray[np.bool_]
) -> Picks:
    """Living operations without those that another beats at no more bins."""
    picks: Picks = []
    for operation in sorted(np.flatnonzero(alive), key=lambda o: (bins[o], losses[o])):
        if not picks or losses[operation] < picks[-1][1]:
            picks.append((int(bins[operation]), float(losses[operation]), int(operation)))
    return picks


def _shifted(values: Floats, bins: int) -> Floats:
    """Losses (rows, BINS + 1) after using up ``bins`` more of the budget."""
    result = np.full_like(values, np.inf)
    if bins < values.shape[1]:
        result[:, bins:] = values[:, : values.shape[1] - bins]
    return result

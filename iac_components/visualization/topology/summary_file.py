"""Reading ``search_summary.csv``: losses, entropies and memory of a DiNTS search by epoch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iac_components.common.files.csv_table import Numbers, read_csv_table
from iac_components.common.trace_format import SUMMARY_COLUMNS

__all__ = ["Summary", "read_summary"]

ANY = "a finite number"
POSITIVE = Numbers("a finite number from 0 on", 0)
KINDS = {
    "seconds": POSITIVE,
    "loss": Numbers(ANY),
    "architecture_loss": Numbers(f"{ANY}, or empty during warm-up", may_be_empty=True),
    "regularizer_weight": POSITIVE,
    "path_entropy": Numbers(ANY),
    "operation_entropy": Numbers(ANY),
    "topology_loss": Numbers(ANY),
    "expected_memory_gigabytes": POSITIVE,
    "expected_memory_fraction": POSITIVE,
    "budget_fraction": Numbers(
        "a finite number from 0 on, or empty without a budget", 0, may_be_empty=True
    ),
    "living_operations": Numbers("a whole number from 0 on", 0, integral=True),
    "validation_dice": Numbers("a number from 0 to 1, or empty", 0, 1, may_be_empty=True),
}


@dataclass(frozen=True, eq=False)
class Summary:
    """The columns of a summary as (T,) arrays over the epochs.

    Attributes:
        epochs: 1, 2, ... T.
        seconds: wall seconds of the epoch.
        loss: of the weights.
        architecture_loss: of the architecture parameters, NaN during warm-up.
        regularizer_weight: factor of the regularizers.
        path_entropy: of the paths.
        operation_entropy: of the operations.
        topology_loss: the gap between what enters and what leaves the nodes.
        expected_memory_gigabytes: 10**9 bytes that the architecture as it stands would need.
        expected_memory_fraction: the same over that of the largest network of the space.
        budget_fraction: the budget over that of the largest network, NaN without a budget.
        living_operations: how many operations are left over all paths.
        validation_dice: of the supernet, NaN where nothing was validated.
    """

    epochs: NDArray[np.int64]
    seconds: NDArray[np.float64]
    loss: NDArray[np.float64]
    architecture_loss: NDArray[np.float64]
    regularizer_weight: NDArray[np.float64]
    path_entropy: NDArray[np.float64]
    operation_entropy: NDArray[np.float64]
    topology_loss: NDArray[np.float64]
    expected_memory_gigabytes: NDArray[np.float64]
    expected_memory_fraction: NDArray[np.float64]
    budget_fraction: NDArray[np.float64]
    living_operations: NDArray[np.float64]
    validation_dice: NDArray[np.float64]

    @property
    def warm_up_epochs(self) -> int:
        """Number of epochs before the first that trained the architecture."""
        trained = np.flatnonzero(np.isfinite(self.architecture_loss))
        return int(trained[0]) if len(trained) else len(self.epochs)

    @property
    def budget_gigabytes(self) -> NDArray[np.float64]:
        """(T,) the budget as memory, NaN without a budget."""
        known = self.expected_memory_fraction > 0
        if not known.any():
            return np.full(len(self.epochs), np.nan)
        ratios = self.expected_memory_gigabytes[known] / self.expected_memory_fraction[known]
        # Every epoch gives the largest network's memory, with the rounding of its row.
        return np.asarray(self.budget_fraction * np.median(ratios), dtype=np.float64)


def read_summary(path: str | Path) -> Summary:
    """Read a search summary and check that it has every epoch once, in order.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file and the line and column at fault: a missing column, a field
            that is not a number in its range, an epoch that is missing, doubled or out of order.
    """
    what = "summary; a DiNTS search writes it as search_summary.csv"
    table = read_csv_table(path, SUMMARY_COLUMNS, what=what)
    epochs = table.counts("epoch")
    for row in np.flatnonzero(epochs != np.arange(1, len(epochs) + 1))[:1]:
        expected = f"{row + 1}, which must follow; the rows must count 1, 2, 3, ... without a gap"
        raise table.fault(int(row), "epoch", expected)
    return Summary(epochs, **{name: table.numbers(name, kind) for name, kind in KINDS.items()})

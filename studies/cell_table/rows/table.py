"""The loader of a kept table: rows as arrays, to replay scores and searches on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from studies.cell_table.rows.records import Record, read_lines

__all__ = ["RESULTS", "CellTable", "load_table", "make_table"]

RESULTS = Path(__file__).parents[1] / "results"


@dataclass(frozen=True)
class CellTable:
    """The configurations that were trained with every seed, at one shift.

    Attributes:
        names: of the n configurations.
        kinds: ``none``, ``uniform``, ``random`` or ``levels``, of each.
        cells: what each is, as ``Configuration.describe`` gives it.
        patients: the p test patients.
        dice: (n, k, p) mean Dice over the classes, of each seed and patient.
        parameters: (n,) of the cells.
        multiply_adds: (n,) of the cells, for one slice.
        milliseconds: (n,) of the whole network, a slice.
        slowdown: (n,) milliseconds against the plain backbone's.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    cells: tuple[Record, ...]
    patients: tuple[str, ...]
    dice: NDArray[np.float64]
    parameters: NDArray[np.int64]
    multiply_adds: NDArray[np.int64]
    milliseconds: NDArray[np.float64]
    slowdown: NDArray[np.float64]

    @property
    def scores(self) -> NDArray[np.float64]:
        """(n, k) mean Dice over the test patients."""
        means: NDArray[np.float64] = self.dice.mean(axis=2)
        return means

    def of_kinds(self, *kinds: str) -> NDArray[np.intp]:
        """Rows of some kinds."""
        return np.flatnonzero(np.isin(self.kinds, kinds))


def load_table(dataset: str, shift: str, *, folder: Path = RESULTS) -> CellTable:
    """Load a kept table.

    Args:
        dataset: such as ``hippocampus``.
        shift: such as ``inverted``.
        folder: where ``<dataset>.jsonl`` lies.

    Raises:
        ValueError: if the table has no complete configuration at that shift.
    """
    return make_table(read_lines(folder / f"{dataset}.jsonl"), shift=shift)


def make_table(records: Iterable[Record], *, shift: str) -> CellTable:
    """Arrange rows; a configuration that lacks a seed is left out.

    Raises:
        ValueError: if no configuration is complete.
    """
    chosen = [record for record in records if record["shift"] == shift]
    seeds = sorted({int(cast(int, record["seed"])) for record in chosen})
    rows: dict[str, dict[int, Record]] = {}
    for record in chosen:
        rows.setdefault(str(record["configuration"]), {})[cast(int, record["seed"])] = record
    complete = {name: [of[s] for s in seeds] for name, of in rows.items() if len(of) == len(seeds)}
    if not complete:
        raise ValueError(f"no configuration is complete at shift '{shift}'.")
    return _arrange(complete)


def _arrange(complete: dict[str, list[Record]]) -> CellTable:
    firsts = [records[0] for records in complete.values()]
    cells = tuple(cast(Record, record["cell"]) for record in firsts)
    patients = tuple(sorted(cast(dict[str, float], firsts[0]["dice"])))
    dice = [
        [[cast(dict[str, float], r["dice"])[p] for p in patients] for r in records]
        for records in complete.values()
    ]
    # Both seeds have the same network, and the lesser of two times is the less disturbed.
    own = [_costs(records, "milliseconds") for records in complete.values()]
    plain = [_costs(records, "plain_milliseconds") for records in complete.values()]
    milliseconds = np.array([min(values) for values in own])
    ratios = [min(np.array(a) / np.array(b)) for a, b in zip(own, plain, strict=True)]
    return CellTable(
        names=tuple(complete),
        kinds=tuple(str(cell["kind"]) for cell in cells),
        cells=cells,
        patients=patients,
        dice=np.array(dice, dtype=np.float64),
        parameters=np.array([_costs([r], "parameters")[0] for r in firsts], dtype=np.int64),
        multiply_adds=np.array([_costs([r], "multiply_adds")[0] for r in firsts], dtype=np.int64),
        milliseconds=milliseconds,
        slowdown=np.array(ratios),
    )


def _costs(records: Sequence[Record], key: str) -> list[float]:
    return [cast(dict[str, float], record["costs"])[key] for record in records]

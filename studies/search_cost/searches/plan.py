"""A search of the benchmark on paper: what it is, and where its files lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from studies.search_cost.searches.epoch_log import EpochLog

__all__ = ["SearchPlan"]


@dataclass(frozen=True)
class SearchPlan:
    """A search to run, or that was run.

    Attributes:
        mode: a key of ``SEARCH_MODES``.
        seed: of everything random in it.
        folder: where its files go.
        config: the bundle's ``search.json``.
        options: keys of the config.
    """

    mode: str
    seed: int
    folder: Path
    config: Path
    options: Mapping[str, object]

    @property
    def name(self) -> str:
        """For a line of text."""
        return f"{self.mode}, seed {self.seed}"

    @property
    def genotype(self) -> Path:
        """The found cell; written last, so where it is the search has ended."""
        return self.folder / "genotype.json"

    @property
    def trace(self) -> Path:
        """Every epoch's distributions."""
        return self.folder / "search_trace.csv"

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.folder / "checkpoints"

    @property
    def finished(self) -> bool:
        """True if there is nothing left to do."""
        return self.genotype.exists()

    @cached_property
    def log(self) -> EpochLog:
        """Costs of its epochs."""
        return EpochLog(self.folder / "epochs.json")

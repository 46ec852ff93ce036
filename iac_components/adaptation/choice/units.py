"""Units of work of a choice, one training each: done once, written down, and found again."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from iac_components.adaptation.fitting.objective import Scores
from iac_components.common.files.tensor_files import read_tensors, write_tensors

__all__ = ["UnitFiles", "UnitResult"]


@dataclass(frozen=True)
class UnitResult:
    """Held-out results of a training.

    Attributes:
        scores: of each held-out case.
        predictions: label map of each held-out case.
        seconds: that it took.
        failure: why there are none, if there are none.
    """

    scores: Mapping[str, Scores]
    predictions: Mapping[str, Tensor]
    seconds: float
    failure: str = ""


class UnitFiles:
    """Results of units in a folder, so that an interrupted run resumes where it was.

    Args:
        folder: for one file a unit; None keeps them in memory.
        key: everything that the results depend on; files of another key are left aside.
    """

    def __init__(self, folder: Path | None, key: Mapping[str, object]) -> None:
        text = json.dumps(key, sort_keys=True, default=str)
        self.key = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.folder = folder
        self._memory: dict[str, UnitResult] = {}

    def find(self, name: str) -> UnitResult | None:
        """Return the result of a unit, or None if there is none yet."""
        if self.folder is None:
            return self._memory.get(name)
        file = self._file(name)
        if not file.is_file():
            return None
        try:
            content = cast(dict[str, object], read_tensors(file))
        # A file that cannot be read is made again.
        except Exception:
            return None
        scores = cast(dict[str, list[float]], content["scores"])
        return UnitResult(
            {case: tuple(values) for case, values in scores.items()},
            cast(dict[str, Tensor], content["predictions"]),
            cast(float, content["seconds"]),
            cast(str, content["failure"]),
        )

    def keep(self, name: str, result: UnitResult) -> None:
        """Write down the result of a unit."""
        if self.folder is None:
            self._memory[name] = result
            return
        write_tensors(
            self._file(name),
            {
                "scores": {case: list(values) for case, values in result.scores.items()},
                "predictions": {
                    case: value.to(torch.uint8) for case, value in result.predictions.items()
                },
                "seconds": float(result.seconds) if math.isfinite(result.seconds) else 0.0,
                "failure": result.failure,
            },
        )

    def _file(self, name: str) -> Path:
        return cast(Path, self.folder) / f"{self.key}-{name}.pt"

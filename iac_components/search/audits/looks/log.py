"""Log of everything that an audit has measured, and its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from iac_components.common.files import write_text
from iac_components.common.trace_format import AUDIT_COLUMNS
from iac_components.search.audits.audit import Effects
from iac_components.search.audits.looks.standing import Standing
from iac_components.search.evidence.parts import Part
from iac_components.search_space.space import EdgeSpace

__all__ = ["WHOLE", "AuditLog", "Measured"]

WHOLE = Part("cells", 0)
"""All cells of the network together."""

_KINDS = ("cells", "cell", "skip", "node", "edge", "operation", "path")


@dataclass(frozen=True)
class Measured:
    """A part at a look.

    Attributes:
        epoch: after which it was measured.
        look: counted from 1.
        part: that was left out.
        mean: effect, in units of the loss.
        low: lower bound.
        high: upper bound.
        standing: the conclusion.
    """

    epoch: int
    look: int
    part: Part
    mean: float
    low: float
    high: float
    standing: Standing


class AuditLog:
    """Log of looks, a line for each measured part.

    Args:
        space: the search space.
    """

    def __init__(self, space: EdgeSpace) -> None:
        self.space = space
        self.lines: list[Measured] = []
        self.passes = 0
        self.seconds = 0.0
        self._latest: dict[Part, Measured] = {}
        self._streaks: dict[Part, int] = {}

    def add(
        self,
        parts: Sequence[Part],
        effects: Effects,
        standings: Sequence[int],
        *,
        epoch: int,
        look: int,
    ) -> None:
        """Add a line for each of K parts."""
        rows = zip(parts, effects.mean, effects.low, effects.high, standings, strict=True)
        for part, mean, low, high, standing in rows:
            self._append(
                Measured(
                    epoch, look, part, float(mean), float(low), float(high), Standing(standing)
                )
            )

    def _append(self, line: Measured) -> None:
        before = self._latest.get(line.part)
        same = before is not None and before.standing == line.standing
        self._streaks[line.part] = self._streaks.get(line.part, 0) + 1 if same else 1
        self._latest[line.part] = line
        self.lines.append(line)

    @property
    def looks(self) -> int:
        """Number of looks that measured anything."""
        return len({line.look for line in self.lines})

    def latest(self, part: Part) -> Measured | None:
        """Return the newest line of a part."""
        return self._latest.get(part)

    def standing(self, part: Part) -> Standing:
        """Return the newest conclusion about a part."""
        line = self._latest.get(part)
        return Standing.UNDECIDED if line is None else line.standing

    def streak(self, part: Part) -> int:
        """Return how many times in a row a part had its current standing."""
        return self._streaks.get(part, 0)

    def write(self, path: str | Path) -> None:
        """Write ``audit_trace.csv``, atomically."""
        write_text(path, ",".join(AUDIT_COLUMNS) + "\n" + "".join(map(self._line, self.lines)))

    def _line(self, line: Measured) -> str:
        node, source, operation = "", "", ""
        part = line.part
        if part.kind == "node":
            node = str(part.index)
        elif part.kind in ("edge", "path", "operation"):
            edge = self.space.edges[part.index]
            node, source = str(edge.node), edge.input
            if part.kind == "operation":
                operation = self.space.operations[part.column]
        level = "" if part == WHOLE else str(part.level)
        numbers = ",".join(f"{value:.8g}" for value in (line.mean, line.low, line.high))
        place = f"{line.epoch},{line.look},{part.kind},{level},{node},{source},{operation}"
        return f"{place},{numbers},{line.standing.name.lower()}\n"

    def state_dict(self) -> dict[str, torch.Tensor]:
        """All lines as tensors, bit for bit."""
        places = [
            [
                line.epoch,
                line.look,
                _KINDS.index(line.part.kind),
                line.part.level,
                line.part.index,
                line.part.column,
                int(line.standing),
            ]
            for line in self.lines
        ]
        numbers = [[line.mean, line.low, line.high] for line in self.lines]
        return {
            "places": torch.tensor(places, dtype=torch.int64).reshape(-1, 7),
            "numbers": torch.tensor(numbers, dtype=torch.float64).reshape(-1, 3),
            "passes": torch.tensor(self.passes),
            "seconds": torch.tensor(self.seconds, dtype=torch.float64),
        }

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Replace all lines by those of ``state``."""
        self.lines, self._latest, self._streaks = [], {}, {}
        self.passes, self.seconds = int(state["passes"]), float(state["seconds"])
        for place, numbers in zip(state["places"].tolist(), state["numbers"].tolist(), strict=True):
            epoch, look, kind, level, index, column, standing = place
            mean, low, high = numbers
            part = Part(_KINDS[kind], level, index, column)
            self._append(Measured(epoch, look, part, mean, low, high, Standing(standing)))

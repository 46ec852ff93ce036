"""Effects, costs and places in the words of a picture."""

from __future__ import annotations

import math

from iac_components.search_space import SearchSpace
from iac_components.visualization.findings.recorded import Interval, RecordedFindings

__all__ = ["SCALE", "UNIT", "headline", "interval_words", "place_words"]

SCALE = 1000.0
"""Effects are drawn in thousandths of the loss."""

UNIT = "× 10⁻³"

COST_NAMES = {"milliseconds": "time", "multiply_adds": "multiply-adds", "parameters": "parameters"}


def interval_words(interval: Interval) -> str:
    """Say an effect with its bounds in thousandths, as in ``20 [10, 30]``."""
    mean, low, high = (_short(SCALE * v) for v in (interval.mean, interval.low, interval.high))
    return f"{mean} [{low}, {high}]"


def _short(value: float) -> str:
    """Print a number with two digits that say something."""
    if not math.isfinite(value):
        return "?" if math.isnan(value) else "∞" if value > 0 else "−∞"
    digits = 0 if abs(value) >= 9.95 else 1 if abs(value) >= 0.995 else 2
    text = f"{value:.{digits}f}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def headline(findings: RecordedFindings, *, any_cell: bool) -> list[str]:
    """Say in a few lines what was found: the first is the title.

    Args:
        findings: of the search.
        any_cell: whether any level has a cell.
    """
    gain = interval_words(findings.gain)
    percent = f"{100 * (1 - findings.alpha):.3g} %"
    patients = "" if findings.patients is None else f" in {findings.patients} patients"
    if any_cell:
        title = "Found cell" if findings.decided else "Cell so far, not decided"
    else:
        title = "No cell needed" if findings.decided else "No cell so far, not decided"
    lines = [title]
    if any_cell:
        lines.append(f"Gain over no cell{patients}: {gain} {UNIT} of the loss ({percent} interval)")
    elif findings.gain.low == findings.gain.high:
        # The gain of nothing over nothing: what was judged is that no cell is missed.
        within = f"{_short(SCALE * findings.tolerance)} {UNIT}"
        lines.append(f"Without any, the loss{patients} is at most {within} above that with cells")
    else:
        lines.append(f"What cells gain{patients}: {gain} {UNIT} of the loss ({percent} interval)")
    if findings.costs and any_cell:
        lines.append("Cost against the plain network: " + ", ".join(_costs(findings)))
    undecided = [part for part in findings.parts if part.decided == "undecided"]
    judged = [part for part in findings.parts if part.kind != "skip"]
    still = [part for part in undecided if part.kind != "skip"]
    if still:
        lines.append(f"Not decided: {len(still)} of {len(judged)} parts")
    return lines


def _costs(findings: RecordedFindings) -> list[str]:
    words = []
    for unit, (plain, cells) in findings.costs.items():
        name = COST_NAMES.get(unit, unit)
        ratio = f"× {cells / plain:.2f}" if plain > 0 else f"+ {cells:.3g}"
        shown = f" ({plain:.3g} → {cells:.3g} ms)" if unit == "milliseconds" else ""
        words.append(f"{name} {ratio}{shown}")
    return words


def place_words(space: SearchSpace, level: int) -> str:
    """Name a level: a skip, the bottleneck or the output of a decoder's block.

    Shared cells do not say how many levels there are: where more than skips have cells, their
    levels keep their numbers.
    """
    if space.sites == ("skips",):
        return f"skip level {level}"
    if space.sites == ("decoder",):
        return f"decoder output {level}"
    others = "decoder" in space.sites
    first = 0  # number of skips
    if "skips" in space.sites:
        rest = space.levels - ("bottleneck" in space.sites)
        if space.levels == 1 or (others and rest % 2):
            return f"level {level}"
        first = rest // 2 if others else rest
    if level < first:
        return f"skip level {level}"
    if "bottleneck" in space.sites:
        if level == first:
            return "bottleneck"
        first += 1
    return f"decoder output {level - first}"

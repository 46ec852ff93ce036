"""Effects, costs and places in the words of a picture."""

from __future__ import annotations

import math

from iac_components.dints import DintsArchitecture, DintsSpace
from iac_components.search_space import Genotype, SearchSpace
from iac_components.visualization.findings.recorded import Interval, RecordedFindings

__all__ = ["SCALE", "UNIT", "headline", "interval_words", "place_words"]

SCALE = 1000.0
"""Effects are drawn in thousandths of the loss."""

UNIT = "× 10⁻³"

COST_NAMES = {"milliseconds": "time", "multiply_adds": "multiply-adds", "parameters": "parameters"}


def interval_words(interval: Interval) -> str:
    """Format an effect with its bounds in thousandths, as in ``20 [10, 30]``."""
    mean, low, high = (_short(SCALE * v) for v in (interval.mean, interval.low, interval.high))
    return f"{mean} [{low}, {high}]"


def _short(value: float) -> str:
    """Format a number with two significant digits."""
    if not math.isfinite(value):
        return "?" if math.isnan(value) else "∞" if value > 0 else "−∞"
    digits = 0 if abs(value) >= 9.95 else 1 if abs(value) >= 0.995 else 2
    text = f"{value:.{digits}f}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def headline(found: Genotype | DintsArchitecture, findings: RecordedFindings) -> list[str]:
    """Describe the findings in a few lines, of which the first is the title."""
    kind = "topology" if isinstance(found, DintsArchitecture) else "cell"
    any_cell = isinstance(found, Genotype) and bool(found.nodes)
    if isinstance(found, Genotype) and not any_cell:
        title = "No cell needed" if findings.decided else "No cell so far, not decided"
    elif findings.decided:
        title = f"Found {kind}"
    else:
        title = f"{kind.capitalize()} so far, not decided"
    lines = [title, *_gain(findings, any_cell=any_cell)]
    if findings.costs and any_cell:
        lines.append("Cost against the plain network: " + ", ".join(_costs(findings)))
    # A skip is on unless something speaks against it.
    judged = [part.decided for part in findings.parts if part.kind != "skip"]
    if judged.count("undecided"):
        lines.append(f"Not decided: {judged.count('undecided')} of {len(judged)} parts")
    return lines


def _gain(findings: RecordedFindings, *, any_cell: bool) -> list[str]:
    percent = f"{100 * (1 - findings.alpha):.3g} %"
    patients = "" if findings.patients is None else f" in {findings.patients} patients"
    if findings.gain is None:
        return [f"Intervals of {percent} for all parts together{patients}"] if patients else []
    gain = f"{interval_words(findings.gain)} {UNIT} of the loss ({percent} interval)"
    if any_cell:
        return [f"Gain over no cell{patients}: {gain}"]
    if findings.gain.low == findings.gain.high:
        # The gain of nothing over nothing: what was judged is that no cell is missed.
        within = f"{_short(SCALE * findings.tolerance)} {UNIT}"
        return [f"Without any, the loss{patients} is at most {within} above that with cells"]
    return [f"What cells gain{patients}: {gain}"]


def _costs(findings: RecordedFindings) -> list[str]:
    words = []
    for unit, (plain, cells) in findings.costs.items():
        name = COST_NAMES.get(unit, unit)
        ratio = f"× {cells / plain:.2f}" if plain > 0 else f"+ {cells:.3g}"
        shown = f" ({plain:.3g} → {cells:.3g} ms)" if unit == "milliseconds" else ""
        words.append(f"{name} {ratio}{shown}")
    return words


def place_words(space: SearchSpace | DintsSpace, level: int) -> str:
    """Name a level: a skip, the bottleneck or the output of a decoder's block; of DiNTS a block.

    Shared cells do not say how many levels there are: where more than skips have cells, their
    levels keep their numbers.
    """
    if isinstance(space, DintsSpace):
        return f"block {level}"
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

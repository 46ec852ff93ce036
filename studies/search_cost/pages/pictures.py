"""Pictures of a benchmark: seconds of each epoch, and Dice against search cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from iac_components.visualization.colours import DARK, GREY, LIGHT, PALETTE
from iac_components.visualization.png import write_png
from studies.search_cost.pages.markdown import TITLES
from studies.search_cost.pages.results import Results
from studies.search_cost.searches.costs import mean_cost
from studies.search_cost.searches.epoch_log import EpochRecord
from studies.search_cost.searches.quality import seed_mean, summary_of
from studies.search_cost.searches.retraining import BACKBONE, PLAIN

__all__ = ["draw_cost", "draw_epochs"]

COLOURS = {
    "reference": PALETTE[6],
    "full": PALETTE[0],
    "pruned": PALETTE[1],
    "early_stop": PALETTE[2],
    "random": PALETTE[3],
    PLAIN: GREY,
    BACKBONE: PALETTE[4],
}
FREE = 0.25
"""Place of what costs nothing: this part of the cheapest search, on a logarithmic axis."""


def draw_epochs(results: Results, out_png: str | Path) -> Path:
    """Draw seconds and living operations against epochs, a line a search.

    Dots mark the epochs that ended with a pruning; a flag where the early stop would have ended.
    """
    figure = Figure(figsize=(7.6, 7.2), facecolor="white", layout="constrained")
    panels: Sequence[Axes] = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 2))
    titles = (
        "Wall-clock of each epoch",
        "Processor time of each epoch",
        "Operations alive after each epoch",
    )
    for panel, title in zip(panels, titles, strict=True):
        _style(panel, title)
    shown: list[str] = []
    for mode, by_seed in results.plans.items():
        for index, plan in enumerate(by_seed.values()):
            if plan.log.epochs:
                _draw_search(panels, plan.log.epochs, COLOURS[mode], faint=index > 0)
                shown.append(mode)
    for index, (seed, stop) in enumerate(results.stops.items()):
        record = results.plans["full"][seed].log.epochs[stop.epoch - 1]
        for panel, value in zip(panels, (record.total.wall, record.total.cpu), strict=False):
            panel.plot(
                record.epoch,
                value,
                marker="v",
                ms=8,
                color=COLOURS["early_stop"],
                mec="white",
                alpha=0.6 if index else 1.0,
                zorder=6,
            )
        shown.append("early_stop")
    panels[0].set_ylabel("seconds", fontsize=9.5)
    panels[1].set_ylabel("CPU seconds", fontsize=9.5)
    panels[2].set_ylabel("operations", fontsize=9.5)
    for panel in panels:
        panel.set_ylim(bottom=0)
    panels[2].set_xlabel("epoch", fontsize=9.5)
    panels[2].xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 5, 10], integer=True))
    handles = [_key(mode) for mode in dict.fromkeys(shown)]
    pruned = Line2D([], [], color=COLOURS["pruned"], marker="o", ms=5, ls="", label="a pruning")
    figure.legend(
        handles=[*handles, *([pruned] if "pruned" in shown else [])],
        loc="outside upper center",
        ncols=3,
        frameon=False,
        fontsize=9,
    )
    return write_png(figure, out_png)


def _draw_search(
    panels: Sequence[Axes], records: Sequence[EpochRecord], colour: str, *, faint: bool
) -> None:
    epochs = [record.epoch for record in records]
    living = [record.living or 0 for record in records]
    fell = [i for i in range(1, len(living)) if living[i] < living[i - 1]]
    columns: tuple[Sequence[float], ...] = (
        [record.total.wall for record in records],
        [record.total.cpu for record in records],
        living,
    )
    alpha = 0.4 if faint else 1.0
    for panel, values in zip(panels, columns, strict=True):
        panel.plot(epochs, values, color=colour, lw=1.0 if faint else 1.5, alpha=alpha)
        at, marked = [epochs[i] for i in fell], [values[i] for i in fell]
        panel.plot(at, marked, "o", color=colour, ms=3.5, alpha=alpha, zorder=4)


def _key(mode: str) -> Line2D:
    if mode == "early_stop":
        return Line2D(
            [], [], color=COLOURS[mode], marker="v", ms=8, ls="", label="early stop would end here"
        )
    return Line2D([], [], color=COLOURS[mode], lw=2, label=TITLES[mode])


def draw_cost(results: Results, out_png: str | Path) -> Path:
    """Draw Dice against what the search cost in wall seconds, a point an arm.

    A faint mark is one seed of the training; the interval is over patients. What costs nothing
    stands left of the axis' break.
    """
    figure = Figure(figsize=(7.2, 4.6), facecolor="white", layout="constrained")
    axes = figure.subplots()
    _style(axes, "Dice on the test fold against what the search cost")
    costs = {
        arm: mean_cost(list(by_seed.values())).total.wall
        for arm, by_seed in results.costs.items()
        if by_seed
    }
    paid = [cost for cost in costs.values() if cost]
    free = FREE * min(paid, default=1.0)
    # Side by side, since both cost nothing.
    places = {"random": free * 1.25, PLAIN: free / 1.25}
    for arm, by_seed in results.records.items():
        x = costs.get(arm) or places.get(arm, free)
        summary = summary_of(by_seed)
        mean, low, high = (100 * v for v in (summary.mean, summary.lower, summary.upper))
        colour = COLOURS[arm]
        axes.errorbar(
            [x],
            [mean],
            yerr=None if low != low else [[mean - low], [high - mean]],
            fmt="o",
            ms=8,
            color=colour,
            capsize=4,
            label=TITLES[arm],
            zorder=4,
        )
        for seed, records in by_seed.items():
            cell = results.cells.get(arm, {}).get(seed)
            cost = results.costs.get(arm, {}).get(cell.search_seed) if cell else None
            place = cost.total.wall if cost and cost.total.wall else x
            axes.plot(place, 100 * seed_mean(records), "o", color=colour, ms=4, alpha=0.4, mew=0)
    axes.set_xscale("log")
    # Room for the words below the lowest interval.
    low, high = axes.get_ylim()
    axes.set_ylim(low - 0.08 * (high - low), high)
    axes.axvline(2 * free, color=GREY, lw=0.8, ls="--")
    axes.text(
        free,
        0.02,
        "no search",
        transform=axes.get_xaxis_transform(),
        ha="center",
        fontsize=9,
        color=DARK,
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}" if x > 2 * free else ""))
    axes.set_xlabel("wall seconds of the search, set-up included (logarithmic)", fontsize=9.5)
    axes.set_ylabel("mean Dice x 100", fontsize=9.5)
    if results.records:
        figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    return write_png(figure, out_png)


def _style(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10, color=DARK)
    axes.tick_params(labelsize=8.5)
    axes.grid(color=LIGHT, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)

"""The study's page and figure, written from the kept rows alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import cast

from matplotlib.figure import Figure

from iac_components.common.files import atomic_write, write_text
from iac_components.common.pages.markdown_table import markdown_table
from iac_components.visualization.png import encode_png
from studies.adaptation.rows import CHOSEN, Row
from studies.adaptation.settings import NO_SHIFT, ShiftSettings

__all__ = ["FIGURE", "PAGE", "PAIR", "arm_gains", "gains_table", "targets", "write_page"]

PAGE, FIGURE = "README.md", "gains.png"
PAIR = ("norms", "lora")
SHOWN = ("norms", "lora", "cells", "decoder", "everything", CHOSEN)


def write_page(
    settings: ShiftSettings, rows: Sequence[Row], folder: Path, *, pairs: Sequence[Row] = ()
) -> None:
    """Write the page and, once there is a row with a shift, the figure beside it.

    Args:
        settings: of the study.
        rows: that are kept.
        folder: for both files.
        pairs: rows of norms and LoRA alone, in draws by which nothing was decided.
    """
    shifted = [row for row in rows if row["shift"] != NO_SHIFT]
    null = [row for row in rows if row["shift"] == NO_SHIFT]
    planned = len(settings.shifts) * len(settings.numbers("numbers_of_cases"))
    planned *= settings.integer("draws")
    text = [
        "# Adapters under simulated scanner shifts",
        "",
        "Written by `python -m studies.adaptation report` from `hippocampus.jsonl`; what was done "
        "is told in [the README of the studies](../../README.md). Differences are in Dice, to the "
        "released network, on test volumes of patients that neither it nor the adapter has seen. "
        "Arms are at full strength, what was chosen is at its own. A mean over draws with the "
        "standard deviation over draws; a single draw has none.",
        "",
        f"**Measured so far: {len(shifted)} of {planned} rows with a shift, {len(null)} of "
        f"{settings.integer('null_draws')} without.** Rows that are missing are not estimated.",
        "",
        *_gains(shifted),
        *_targets(shifted),
        *_null(null),
        *_pairs(pairs),
    ]
    write_text(folder / PAGE, "\n".join(text))
    if shifted:
        with atomic_write(folder / FIGURE) as stream:
            stream.write(encode_png(_figure(shifted)))


def arm_gains(row: Row) -> dict[str, float]:
    """Return the gain in Dice of each arm over the released network, in the test volumes."""
    return {arm: _gain(row, arm) for arm in _arms([row])}


def gains_table(rows: Sequence[Row]) -> str:
    """Dice of the released network and each arm's gain, a shift and a number of cases a row."""
    arms = _arms(rows)
    table = []
    for (shift, cases), group in _groups(rows).items():
        released = fmean(_mean(row, "released") for row in group)
        cells = [_spread([_gain(row, arm) for row in group if _has(row, arm)]) for arm in arms]
        picks = ", ".join(sorted({_pick(row) for row in group}))
        chosen = _spread([_chosen_gain(row) for row in group])
        table.append([shift, str(cases), str(len(group)), f"{released:.3f}", *cells, chosen, picks])
    header = ["shift", "K", "draws", "released", *arms, CHOSEN, "which"]
    return markdown_table(header, table, words=1)


def _gains(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    figure = f"![Gain against the number of labelled cases]({FIGURE})"
    return ["## Gain by arm", "", gains_table(rows), figure, ""]


def _targets(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    return ["## Against the targets", "", *(f"- {item}" for item in targets(rows)), ""]


def targets(rows: Sequence[Row]) -> list[str]:
    """State in sentences how far what was chosen is from the best arm, and what it costs.

    Args:
        rows: at least one, all with a shift.
    """
    behind, shares, own = [], [], []
    for row in rows:
        allowed = [arm for arm in _arms([row]) if arm not in ("decoder", "everything")]
        allowed = [arm for arm in allowed if not arm.startswith("random")]
        best = max(0.0, *(_gain(row, arm) for arm in allowed))
        behind.append(best - _chosen_gain(row))
        if _has(row, "everything") and _gain(row, "everything") > 0.02:
            shares.append(_chosen_gain(row) / _gain(row, "everything"))
        own.append(_chosen_gain(row, "home"))
    within = sum(value <= 0.01 for value in behind)
    worse = [row for row in rows if _chosen_gain(row) < 0]
    ratios = [cast(float, row["ratio"]) for row in rows]
    cells = [_ratio(row, "cells") for row in rows if _has(row, "cells")]
    kept = sum(row["chosen"] is None for row in rows)
    return [
        f"Chosen within 1 Dice point of the best candidate (or of the released network): {within} "
        f"of {len(rows)} rows; largest distance {max(behind):.3f}.",
        f"Rows in which the network was kept: {kept} of {len(rows)}.",
        f"Rows in which the chosen network is below the released one on the test volumes: "
        f"{len(worse)} of {len(rows)}.",
        *(
            [
                f"Share of the gain of training everything: {fmean(shares):.2f} on average, "
                f"{min(shares):.2f} at least, over {len(shares)} rows where that gains above 0.02."
            ]
            if shares
            else []
        ),
        f"Change on the network's own scanner with what was chosen: {fmean(own):+.3f} on average, "
        f"{min(own):+.3f} at worst.",
        f"Time at inference with what was chosen: {max(ratios):.2f} times the released network's "
        "at most.",
        *(
            [
                f"With cells in all skip connections: {fmean(cells):.2f} times, on average over "
                f"{len(cells)} rows, timed on a machine with other work."
            ]
            if cells
            else []
        ),
        f"Processor seconds of a row, all arms and tests included: {_seconds(rows)}.",
    ]


def _null(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    kept = sum(row["chosen"] is None for row in rows)
    return [
        "## Without a shift",
        "",
        f'{kept} of {len(rows)} runs end with "keep the network as it is".',
        "",
    ]


def _pairs(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    ahead = [_gain(row, "lora") - _gain(row, "norms") for row in rows]
    table = [
        [str(row["shift"]), str(row["draw"]), *(f"{_gain(row, arm):+.3f}" for arm in PAIR)]
        for row in rows
    ]
    return [
        "## Norms and LoRA alone, in further draws",
        "",
        "Where two candidates are within the tolerance of each other and equally fast, the one "
        "with most values is used. That came from the first draw, and was kept since draws 1 and 2 "
        "agreed; draws 3 and 4 were made afterwards. "
        f"LoRA gains more than norms in {sum(value > 0 for value in ahead)} of {len(rows)}, "
        f"by {fmean(ahead):.3f} on average ({min(ahead):+.3f} to {max(ahead):+.3f}). Made by "
        "`python -m studies.adaptation pairs`.",
        "",
        markdown_table(["shift", "draw", *PAIR], table, words=1),
    ]


def _seconds(rows: Sequence[Row]) -> str:
    most = max(cast(float, row["cpu_seconds"]) for row in rows)
    return f"{most:.0f} at most (of rows that were interrupted, what was left counts)"


def _figure(rows: Sequence[Row]) -> Figure:
    shifts = list(dict.fromkeys(str(row["shift"]) for row in rows))
    columns = min(4, len(shifts))
    lines = math.ceil(len(shifts) / columns)
    figure = Figure(figsize=(3.2 * columns, 2.8 * lines + 0.6), facecolor="white")
    panels = list(figure.subplots(lines, columns, squeeze=False, sharey=True).flat)
    for panel, shift in zip(panels, shifts, strict=False):
        for arm in SHOWN:
            _draw_arm(panel, [row for row in rows if row["shift"] == shift], arm)
        panel.axhline(0, color="0.6", linewidth=0.8)
        panel.set_title(shift, fontsize=10)
        panel.set_xlabel("labelled cases")
        panel.set_xticks(sorted({cast(int, row["cases"]) for row in rows}))
    for panel in panels[len(shifts) :]:
        panel.set_axis_off()
    first = figure.axes[0]
    first.set_ylabel("gain in Dice")
    handles, labels = first.get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(SHOWN), frameon=False, fontsize=8)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    return figure


def _draw_arm(panel: object, rows: Sequence[Row], arm: str) -> None:
    points: dict[int, list[float]] = {}
    for row in rows:
        if arm == CHOSEN or _has(row, arm):
            gain = _chosen_gain(row) if arm == CHOSEN else _gain(row, arm)
            points.setdefault(cast(int, row["cases"]), []).append(gain)
    if not points:
        return
    at = sorted(points)
    means = [fmean(points[cases]) for cases in at]
    errors = [stdev(points[cases]) if len(points[cases]) > 1 else 0.0 for cases in at]
    style = {"linewidth": 2.2, "color": "black"} if arm == CHOSEN else {"linewidth": 1.0}
    shift = 0.12 * (SHOWN.index(arm) - len(SHOWN) / 2)
    getattr(panel, "errorbar")(  # noqa: B009
        [cases + shift for cases in at], means, errors, label=arm, marker="o", markersize=3, **style
    )


def _groups(rows: Sequence[Row]) -> Mapping[tuple[str, int], list[Row]]:
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((str(row["shift"]), cast(int, row["cases"])), []).append(row)
    return groups


def _arms(rows: Sequence[Row]) -> list[str]:
    """Return the arms that any row has, but for the released network and what was chosen."""
    found = dict.fromkeys(arm for row in rows for arm in _scores(row) if _has(row, arm))
    return [arm for arm in found if arm not in ("released", CHOSEN)]


def _pick(row: Row) -> str:
    """Return what was chosen, with its strength where that is not the full."""
    chosen, strength = row["chosen"], row["strength"]
    if chosen is None:
        return "keep"
    return str(chosen) if strength == 1 else f"{chosen} at {strength:g}"


def _scores(row: Row) -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    return cast(Mapping[str, Mapping[str, Mapping[str, float]]], row["arms"])


def _has(row: Row, arm: str) -> bool:
    return "test" in _scores(row).get(arm, {})


def _mean(row: Row, arm: str, part: str = "test") -> float:
    return fmean(_scores(row)[arm][part].values())


def _gain(row: Row, arm: str, part: str = "test") -> float:
    return _mean(row, arm, part) - _mean(row, "released", part)


def _ratio(row: Row, arm: str) -> float:
    return cast(float, cast(Mapping[str, Mapping[str, object]], row["arms"])[arm]["ratio"])


def _chosen_gain(row: Row, part: str = "test") -> float:
    return 0.0 if row["chosen"] is None else _gain(row, CHOSEN, part)


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    mean = f"{fmean(values):+.3f}"
    return f"{mean} ({stdev(values):.3f})" if len(values) > 1 else mean

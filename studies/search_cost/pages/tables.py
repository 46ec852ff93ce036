"""The Markdown page of a search benchmark, made of its record alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from studies.measuring.clock import PARTS
from studies.search_cost.pages.agreement_table import render_agreement
from studies.search_cost.pages.markdown import TITLES, markdown_table
from studies.search_cost.pages.quality_tables import (
    render_comparisons,
    render_dice,
    render_trainings,
)
from studies.search_cost.pages.raw_fields import Json, at, number, records

__all__ = ["render_tables"]


def render_tables(record: Json, *, pictures: Sequence[str], searches_of: str | None = None) -> str:
    """Render the whole page.

    Args:
        record: of ``python -m studies.search_cost.search``, as it wrote or would write it.
        pictures: file names.
        searches_of: name of the benchmark whose searches these are, if they were not run again.
    """
    sections = [_head(record)]
    if at(record, "costs"):
        sections += [_costs(record, searches_of), _ratios(record)]
    if at(record, "dice"):
        sections += [render_dice(record), render_comparisons(record), render_trainings(record)]
    sections.append(render_agreement(record))
    sections += [f"![{name}]({name})\n" for name in pictures]
    return "\n".join(section for section in sections if section)


def _head(record: Json) -> str:
    settings, session = at(record, "settings"), at(record, "session")
    machine = at(session, "machine")
    lines = [
        f"# Search benchmark: {settings['bundle']}\n",
        f"{settings['dataset']}, fold {settings['fold']}. {machine['cpu']}, "
        f"{machine['threads']} thread(s), torch {machine['torch']}; commit {session['commit']}, "
        f"{session['date']}. Made by `python -m studies.search_cost.search`.\n",
    ]
    if record["unfinished"]:
        state = [
            f"{mode}, seed {seed} ({len(cast(Sequence[str], search['rows'])) - 1} epochs)"
            for mode, by_seed in cast(Mapping[str, Mapping[str, Json]], record["searches"]).items()
            for seed, search in by_seed.items()
            if search["digest"] is None
        ]
        lines.append(f"**Not finished, and left out below:** {'; '.join(state)}.\n")
    untrained = cast(Sequence[Sequence[object]], record.get("untrained", ()))
    if untrained:
        names = [f"{TITLES[str(arm)]}, seed {seed}" for arm, seed in untrained]
        lines.append(f"**Not trained yet:** {'; '.join(names)}.\n")
    return "\n".join(lines)


def _costs(record: Json, searches_of: str | None) -> str:
    header = ["mode", "searches", "epochs", "steps", "set-up s", "total s", "total CPU s"]
    header += [f"{part.replace('_', ' ')} CPU s" for part in PARTS]
    rows = [
        _cost_row(mode, at(cost, "mean"), len(at(cost, "by_seed")))
        for mode, cost in at(record, "costs").items()
    ]
    origin = (
        f"The searches are those of [{searches_of}]({searches_of}.md), not run again. "
        if searches_of
        else ""
    )
    return (
        f"## What a search costs\n\n{origin}"
        "Means over searches, which ran in one process and took turns epoch by epoch. A total is "
        "set-up (building, checking and reading the data) and all epochs, with pruning, trace and "
        "checkpoints.\n\n" + markdown_table(header, rows) + _stops(record)
    )


def _stops(record: Json) -> str:
    """Say where the early stop fired."""
    notes = [
        f"seed {seed} after epoch {at(stop)['epoch']}"
        + ("" if at(stop)["stopped"] else ", its last, since the rule never fired")
        for seed, stop in at(record, "early_stop").items()
    ]
    patience = at(record, "settings")["early_stop_patience"]
    lead = (
        "\nEarly stop is no search of its own, but the beginning of the full-length one, until the "
        f"genotype has not changed for {patience} epochs: "
    )
    return f"{lead}{'; '.join(notes)}.\n" if notes else ""


def _cost_row(mode: str, cost: Json, searches: int) -> list[str]:
    parts = at(cost, "parts")
    seconds = [number(cost, "setup", "wall"), number(cost, "total", "wall")]
    seconds.append(number(cost, "total", "cpu"))
    seconds += [number(parts, name, "cpu") if name in parts else 0.0 for name in PARTS]
    return [
        TITLES[mode],
        str(searches if cost["epochs"] else 0),
        f"{number(cost, 'epochs'):.1f}",
        f"{number(cost, 'steps'):.0f}",
        *(f"{value:.1f}" for value in seconds),
    ]


def _ratios(record: Json) -> str:
    rows = []
    for found in records(record, "ratios"):
        each = [at(one) for one in at(found, "by_seed").values()]
        rows.append(
            [
                f"{TITLES[str(found['of'])]} / {TITLES[str(found['to'])]}",
                *(f"{number(found, key):.1f}" for key in ("epochs", "steps", "wall", "cpu")),
                ", ".join(f"{number(one, 'wall'):.1f}" for one in each),
                ", ".join(f"{number(one, 'cpu'):.1f}" for one in each),
            ]
        )
    header = ["ratio", "epochs", "steps", "wall", "CPU", "wall by seed", "CPU by seed"]
    return "### Ratios of totals\n\n" + markdown_table(header, rows) if rows else ""

"""The Markdown tables of a benchmark's report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from search_benchmark.cells import agreement
from search_benchmark.clock import PARTS
from search_benchmark.costs import Cost, cost_of, mean_cost
from search_benchmark.quality import MARGIN, compare_with, seed_mean, summary_of
from search_benchmark.results import Results
from search_benchmark.retraining import BACKBONE, PLAIN

__all__ = ["TITLES", "markdown_table", "render_tables"]

TITLES = {
    "reference": "reference (plain search)",
    "full": "full length",
    "pruned": "pruned",
    "early_stop": "early stop",
    "random": "random",
    PLAIN: "no cell",
    BACKBONE: "backbone, not trained on",
}
"""Modes and arms as they are called in print."""

_TRAINED = {
    False: "Every cell implanted in the same trained backbone, which stays frozen, while without a "
    "cell the backbone itself is trained on, by an optimizer that starts anew. Each for",
    True: "Whole networks trained from random weights, with every cell and without one. Each for",
}
"""How the cells were trained, by whether from scratch."""

LEAST_P = 0.001
"""Smaller p-values are not told apart."""


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose columns after the first are aligned to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def render_tables(
    results: Results,
    ratios: Sequence[tuple[str, str]],
    *,
    session: Mapping[str, object],
    pictures: Sequence[str],
) -> str:
    """The whole page.

    Args:
        results: what was measured.
        ratios: pairs of modes whose costs are divided.
        session: who made the report.
        pictures: file names.
    """
    sections = [_head(results, session)]
    if any(results.costs.values()):
        sections += [_costs(results), _ratios(results, ratios)]
    if results.records:
        sections += [_dice(results), _comparisons(results), _trainings(results)]
    if results.cells.get("full"):
        sections.append(_agreement(results))
    sections += [f"![{name}]({name})\n" for name in pictures]
    return "\n".join(section for section in sections if section)


def _head(results: Results, session: Mapping[str, object]) -> str:
    settings = results.settings
    machine = cast(Mapping[str, object], session["machine"])
    lines = [
        f"# Search benchmark: {settings.bundle}\n",
        f"{settings.dataset_dir.name}, fold {settings.fold}. {machine['cpu']}, "
        f"{machine['threads']} thread(s), torch {machine['torch']}; commit {session['commit']}, "
        f"{session['date']}. Made by `tools/benchmark_search.py`.\n",
    ]
    if results.unfinished:
        state = [f"{plan.name} ({len(plan.log.epochs)} epochs)" for plan in results.unfinished]
        lines.append(f"**Not finished, and left out below:** {'; '.join(state)}.\n")
    if results.untrained:
        names = [f"{TITLES[arm]}, seed {seed}" for arm, seed in results.untrained]
        lines.append(f"**Not trained yet:** {'; '.join(names)}.\n")
    return "\n".join(lines)


def _costs(results: Results) -> str:
    header = ["mode", "searches", "epochs", "steps", "set-up s", "total s", "total CPU s"]
    header += [f"{part.replace('_', ' ')} CPU s" for part in PARTS]
    rows = [
        _cost_row(mode, mean_cost(list(by_seed.values())), len(by_seed))
        for mode, by_seed in results.costs.items()
        if by_seed
    ]
    return (
        "## What a search costs\n\n"
        "Means over searches, which ran in one process and took turns epoch by epoch. A total is "
        "set-up (building, checking and reading the data) and all epochs, with pruning, trace and "
        "checkpoints.\n\n" + markdown_table(header, rows) + _stops(results)
    )


def _stops(results: Results) -> str:
    """Say where the early stop fired."""
    notes = [
        f"seed {seed} after epoch {stop.epoch}"
        + ("" if stop.stopped else ", its last, since the rule never fired")
        for seed, stop in results.stops.items()
    ]
    patience = results.settings.early_stop_patience
    lead = f"\nEarly stop, when the genotype has not changed for {patience} epochs: "
    return f"{lead}{'; '.join(notes)}.\n" if notes else ""


def _cost_row(mode: str, cost: Cost, searches: int) -> list[str]:
    parts = [cost.parts[name].cpu if name in cost.parts else 0.0 for name in PARTS]
    seconds = (cost.setup.wall, cost.total.wall, cost.total.cpu, *parts)
    return [
        TITLES[mode],
        str(searches if cost.epochs else 0),
        f"{cost.epochs:.1f}",
        f"{cost.steps:.0f}",
        *(f"{value:.1f}" for value in seconds),
    ]


def _ratios(results: Results, pairs: Sequence[tuple[str, str]]) -> str:
    rows = []
    for first, second in pairs:
        mean = results.ratio(first, second)
        if mean is None:
            continue
        each = [results.ratio(first, second, seed) for seed in results.common(first, second)]
        rows.append(
            [
                f"{TITLES[first]} / {TITLES[second]}",
                *(f"{v:.1f}" for v in (mean.epochs, mean.steps, mean.wall, mean.cpu)),
                ", ".join(f"{one.wall:.1f}" for one in each if one),
                ", ".join(f"{one.cpu:.1f}" for one in each if one),
            ]
        )
    header = ["ratio", "epochs", "steps", "wall", "CPU", "wall by seed", "CPU by seed"]
    return "### Ratios of totals\n\n" + markdown_table(header, rows) if rows else ""


def _dice(results: Results) -> str:
    rows = []
    for arm, by_seed in results.records.items():
        summary = summary_of(by_seed)
        mean, low, high = (100 * v for v in (summary.mean, summary.lower, summary.upper))
        cells = {cell.genotype.digest for cell in results.cells.get(arm, {}).values()}
        rows.append(
            [
                TITLES[arm],
                str(len(cells)),
                f"{mean:.2f} [{low:.2f}, {high:.2f}]",
                ", ".join(f"{100 * seed_mean(records):.2f}" for records in by_seed.values()),
            ]
        )
    settings = results.settings
    seeds = ", ".join(map(str, next(iter(results.records.values()))))
    return (
        f"## What its cell is worth\n\n{_TRAINED[settings.scratch]} {settings.train_steps} steps. "
        f"Seeds of the trainings: {seeds}. The last weights on the test fold, mean Dice x 100 over "
        "patients; interval: bootstrap, 95 %, seeds averaged.\n\n"
        + markdown_table(["arm", "different cells", "Dice x 100", "by seed"], rows)
        + _reused(results)
    )


def _reused(results: Results) -> str:
    """Say which cells served several training seeds."""
    notes = [
        f"{TITLES[mode]}: the cell of search seed {cell.search_seed} for training seed {seed}"
        for mode, by_seed in results.cells.items()
        for seed, cell in by_seed.items()
        if seed != cell.search_seed
    ]
    return f"\nSearched with fewer seeds: {'; '.join(notes)}.\n" if notes else ""


def _comparisons(results: Results) -> str:
    rows = []
    for one in compare_with(results.records, arm="pruned"):
        mean, low, high = (
            100 * v for v in (one.paired.mean_difference, one.paired.lower, one.paired.upper)
        )
        rows.append(
            [
                f"pruned − {TITLES[one.against]}",
                f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]",
                "yes" if one.paired.non_inferior else "not shown",
                f"{one.holm_p:.3f}" if one.holm_p >= LEAST_P else f"< {LEAST_P}",
            ]
        )
    header = ["difference", "Dice points", f"non-inferior at {MARGIN}", "p (Wilcoxon, Holm)"]
    lead = "### Pruned against the others, paired by patient\n\n"
    return lead + markdown_table(header, rows) if rows else ""


def _trainings(results: Results) -> str:
    rows = []
    for arm, by_seed in results.trainings.items():
        if not by_seed:
            continue
        training = mean_cost([cost_of(log) for log in by_seed.values()])
        # The last epoch ends with the validation, so it does not tell what a step takes.
        before = mean_cost([cost_of(log, epochs=-1) for log in by_seed.values()])
        costs = list(results.costs.get(arm, {}).values())
        search = mean_cost(costs) if costs else Cost()
        rows.append(
            [
                TITLES[arm],
                f"{training.running.wall:.1f}",
                f"{training.running.cpu:.1f}",
                f"{before.running.cpu / before.steps:.3f}" if before.steps else "-",
                f"{search.total.wall / training.running.wall:.2f}",
                f"{search.total.cpu / training.running.cpu:.2f}",
            ]
        )
    header = ["arm", "training s", "CPU s", "CPU s a step", "search / training", "in CPU"]
    own = f" The bundle's own schedule is {results.own_steps} such steps." * bool(results.own_steps)
    lead = (
        f"### The search against the training of its network, {results.settings.train_steps} "
        f"steps\n\nA training's seconds hold its epochs and one validation at the end.{own}\n\n"
    )
    return lead + markdown_table(header, rows) if rows else ""


def _agreement(results: Results) -> str:
    full = results.cells["full"]
    rows = []
    for mode, by_seed in results.cells.items():
        for seed, cell in by_seed.items():
            if mode == "full" or seed not in full:
                continue
            found = agreement(cell.genotype, full[seed].genotype)
            same = "-" if found.operations is None else f"{found.operations:.0%}"
            rows.append([TITLES[mode], str(seed), f"{found.edges:.0%}", same])
    pairs = [(a, b) for a in full for b in full if a < b]
    for a, b in pairs:
        found = agreement(full[b].genotype, full[a].genotype)
        same = "-" if found.operations is None else f"{found.operations:.0%}"
        rows.append([f"{TITLES['full']}, seed {b}", str(a), f"{found.edges:.0%}", same])
    header = ["cell", "seed", "kept edges in common", "of these, same operation"]
    lead = "## Agreement with the cell of the full-length search of the same seed\n\n"
    return lead + markdown_table(header, rows) if rows else ""

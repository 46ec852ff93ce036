"""Tables of what the cells are worth, and of what training their networks costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import cast

from studies.search_cost.pages.markdown import TITLES, markdown_table
from studies.search_cost.pages.raw_fields import POINTS, Json, at, number, records
from studies.search_cost.searches.quality import MARGIN
from studies.search_cost.searches.retraining import BACKBONE

__all__ = ["LEAST_P", "render_comparisons", "render_dice", "render_trainings"]

_TRAINED = {
    False: "Every cell implanted in the same trained backbone, which stays frozen, while without a "
    "cell the backbone itself is trained on, by an optimizer that starts anew. Each for",
    True: "Whole networks trained from random weights, with every cell and without one. Each for",
}
"""Sentence on the training of the cells, by whether it was from scratch."""

LEAST_P = 0.001
"""Smaller p-values are not told apart."""

Cells = Mapping[str, Mapping[str, Json]]


def render_dice(record: Json) -> str:
    """Dice of every arm, and which of its numbers are one and the same run."""
    settings, dice = at(record, "settings"), at(record, "dice")
    cells = cast(Cells, record["cells"])
    rows = [
        [
            TITLES[arm],
            str(len({cell["digest"] for cell in cells.get(arm, {}).values()})),
            _interval(at(summary), "mean", "lower", "upper", sign=""),
            _by_seed(arm, at(summary, "by_seed")),
        ]
        for arm, summary in dice.items()
    ]
    seeds = ", ".join(at(next(iter(dice.values())), "by_seed"))
    return (
        f"## What its cell is worth\n\n{_TRAINED[bool(settings.get('scratch'))]} "
        f"{settings['train_steps']} steps. "
        f"Seeds of the trainings: {seeds}. The last weights on the test fold, mean Dice x 100 over "
        "patients; interval: bootstrap, 95 %, seeds averaged.\n\n"
        + markdown_table(["arm", "different cells", "Dice x 100", "by seed"], rows)
        + _reused(cells)
        + _shared(cells)
    )


def _by_seed(arm: str, means: Json) -> str:
    """Format the means of every training; the backbone has none, and was evaluated once."""
    values = [f"{POINTS * number(means, seed):.2f}" for seed in means]
    return f"{values[0]} (one evaluation)" if arm == BACKBONE else ", ".join(values)


def _reused(cells: Cells) -> str:
    """Say which cells served several training seeds."""
    served: dict[tuple[str, object], list[str]] = {}
    for mode, by_seed in cells.items():
        for seed, cell in by_seed.items():
            if seed != str(cell["search_seed"]):
                served.setdefault((mode, cell["search_seed"]), []).append(seed)
    notes = [
        f"{TITLES[mode]}: the cell of search seed {source} for training {_seeds(seeds)}"
        for (mode, source), seeds in served.items()
    ]
    return f"\nSearched with fewer seeds: {'; '.join(notes)}.\n" if notes else ""


def _shared(cells: Cells) -> str:
    """Say which arms' trainings are one training, since their cells are equal."""
    arms: dict[tuple[str, object], list[str]] = {}
    for mode, by_seed in cells.items():
        for seed, cell in by_seed.items():
            arms.setdefault((seed, cell["digest"]), []).append(mode)
    seeds: dict[tuple[str, ...], list[str]] = {}
    for (seed, _), modes in arms.items():
        if len(modes) > 1:
            seeds.setdefault(tuple(modes), []).append(seed)
    notes = [
        f"{' and '.join(TITLES[mode] for mode in modes)}, training {_seeds(of)}"
        for modes, of in seeds.items()
    ]
    return (
        f"\nEqual cells were trained once, so these rows are one measurement, here and in the "
        f"tables below: {'; '.join(notes)}.\n"
        if notes
        else ""
    )


def _seeds(seeds: Sequence[str]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(seeds)}"


def render_comparisons(record: Json) -> str:
    """Differences of the pruned search's cell from every other arm."""
    rows = []
    for one in records(record, "comparisons"):
        paired, p = at(one, "paired"), number(one, "holm_p")
        rows.append(
            [
                f"{TITLES[str(one['arm'])]} − {TITLES[str(one['against'])]}",
                _interval(paired, "mean_difference", "lower", "upper", sign="+"),
                "yes" if paired["non_inferior"] else "**no**",
                f"{p:.3f}" if p >= LEAST_P else f"< {LEAST_P}",
            ]
        )
    header = ["difference", "Dice points", f"non-inferior at {MARGIN}", "p (Wilcoxon, Holm)"]
    lead = "### Pruned against the others, paired by patient\n\n"
    return lead + markdown_table(header, rows) if rows else ""


def _interval(summary: Json, *keys: str, sign: str) -> str:
    values = [cast("float | None", summary[key]) for key in keys]
    mean, low, high = (
        f"{POINTS * (float('nan') if value is None else value):{sign}.2f}" for value in values
    )
    return f"{mean} [{low}, {high}]"


def render_trainings(record: Json) -> str:
    """Render the cost of the trainings, and the searches against them."""
    rows = list(_training_rows(record))
    header = ["arm", "training s", "CPU s", "CPU s a step", "search / training", "in CPU"]
    steps = record.get("own_training_steps")
    own = f" The bundle's own schedule is {steps} such steps." if steps else ""
    lead = (
        "### The search against the training of its network, "
        f"{at(record, 'settings')['train_steps']} steps\n\n"
        f"A training's seconds hold its epochs and one validation at the end.{own}\n\n"
    )
    return lead + markdown_table(header, rows) if rows else ""


def _training_rows(record: Json) -> Iterator[Sequence[str]]:
    costs = at(record, "costs")
    for arm, by_seed in at(record, "trainings").items():
        trained = list(cast(Mapping[str, Json], by_seed).values())
        if not trained:
            continue
        wall, cpu = (fmean(number(one, "running", c) for one in trained) for c in ("wall", "cpu"))
        step = [_before_the_last_epoch(cast(Sequence[str], one["rows"])) for one in trained]
        steps, spent = (fmean(values) for values in zip(*step, strict=True))
        search = at(costs, arm, "mean", "total") if arm in costs else {"wall": 0, "cpu": 0}
        yield [
            TITLES[arm],
            f"{wall:.1f}",
            f"{cpu:.1f}",
            f"{spent / steps:.3f}" if steps else "-",
            f"{number(search, 'wall') / wall:.2f}",
            f"{number(search, 'cpu') / cpu:.2f}",
        ]


def _before_the_last_epoch(lines: Sequence[str]) -> tuple[float, float]:
    """Return steps and CPU seconds without the last epoch, which ends with the validation."""
    header, *rows = (line.split(",") for line in lines)
    kept = [dict(zip(header, row, strict=True)) for row in rows[:-1]]
    return sum(int(row["steps"]) for row in kept), sum(float(row["cpu"]) for row in kept)

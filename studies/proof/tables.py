"""Tables of measured runs, shared by the results pages."""

from __future__ import annotations

import csv
import gzip
import io
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from iac_components.common.files import atomic_write, write_text
from iac_components.evaluation import (
    CaseRecord,
    average_seeds,
    compare_runs,
    patient_scores,
    read_metrics,
    summarize,
)
from iac_components.search_space import Genotype

__all__ = [
    "COLUMNS",
    "Records",
    "arm_title",
    "compress_file",
    "difference",
    "interval",
    "metrics_by_seed",
    "read_cases",
    "read_seeds",
    "scores",
    "search_row",
    "seed_means",
    "write_cases",
]

ARMS = {
    "plain": "plain backbone",
    "found": "found cell",
    "random": "random cell",
    "full_length": "cell of the full-length search",
    "attention": "attention gate",
    "residual_path": "residual path",
    "nested": "nested dense skips",
    "continued": "plain backbone trained on",
    "found_frozen": "found cell, backbone frozen",
    "found_all": "found cell, everything trained",
    "random_frozen": "random cell, backbone frozen",
}
"""Arms as they are called in print."""

COLUMNS = ("seed", "patient", "case", "label", "class", "dice", "hd95")
Records = Sequence[CaseRecord]


def arm_title(arm: str, seeds: Iterable[str]) -> str:
    """Return the name of an arm in a table, with the draws that its random cells are."""
    if arm != "random":
        return ARMS[arm]
    numbers = [seed.removeprefix("seed") for seed in seeds]
    drawn = f"the draw of seed {numbers[0]}" if len(numbers) == 1 else "another one each seed"
    return f"{ARMS[arm]} ({drawn})"


def metrics_by_seed(protocol: Path, arms: Sequence[str]) -> dict[str, dict[str, Path]]:
    """Find the evaluation folder of each seed of each arm; only seeds that every arm has.

    An arm with a seed more than another would be compared on luck.
    """
    each = {
        arm: {p.parent.parent.name: p.parent for p in folder.glob("seed*/eval/metrics.csv")}
        for arm in arms
        if (folder := protocol / arm).exists()
    }
    common = set.intersection(*(set(seeds) for seeds in each.values())) if each else set()
    return {arm: {seed: seeds[seed] for seed in sorted(common)} for arm, seeds in each.items()}


def read_seeds(folders: Mapping[str, Path]) -> dict[str, Records]:
    """Read the records of every seed of an arm."""
    return {name: read_metrics(path) for name, path in folders.items()}


def scores(by_seed: Mapping[str, Records], metric: str) -> list[float]:
    """One value a patient, seeds averaged."""
    records = average_seeds(by_seed)
    return [score.mean for score in patient_scores(records, metric).values()]


def difference(arm: str, runs: Mapping[str, Mapping[str, Records]], *, reference: str) -> str:
    """Dice points above the reference arm, paired by patient, with the interval."""
    if arm == reference or reference not in runs:
        return ""
    records = {name: average_seeds(runs[name]) for name in (reference, arm)}
    rows = compare_runs(records, metrics=("dice",)).rows
    paired = next(row.paired for row in rows if row.class_name is None)
    if paired is None:
        return ""
    mean, low, high = (100 * v for v in (paired.mean_difference, paired.lower, paired.upper))
    return f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"


def seed_means(by_seed: Mapping[str, Records]) -> str:
    """Mean Dice x 100 over patients, seed by seed."""
    means = [
        100 * statistics.mean(s.mean for s in patient_scores(records, "dice").values())
        for records in by_seed.values()
    ]
    return ", ".join(f"{mean:.2f}" for mean in means)


def interval(values: Sequence[float], *, scale: float, digits: int) -> str:
    """Mean and bootstrap interval as text."""
    summary = summarize(values)
    mean, low, high = (
        f"{v * scale:.{digits}f}" for v in (summary.mean, summary.lower, summary.upper)
    )
    return f"{mean} [{low}, {high}]"


def write_cases(path: Path, by_seed: Mapping[str, Records]) -> None:
    """Every case, class and seed of an arm as one CSV."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for seed, records in by_seed.items():
        for r in sorted(records, key=lambda record: record.key):
            values = (f"{v:.6g}" if v == v else "" for v in (r.dice, r.hd95))
            name = seed.removeprefix("seed")
            writer.writerow([name, r.patient, r.case, r.label, r.class_name, *values])
    write_text(path, stream.getvalue())


def read_cases(path: Path) -> dict[str, Records]:
    """Read the file of :func:`write_cases`, by seed; an empty value was not scored."""
    by_seed: dict[str, list[CaseRecord]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            dice, hd95 = (float(row[key]) if row[key] else float("nan") for key in ("dice", "hd95"))
            record = CaseRecord(
                row["patient"], row["case"], int(row["label"]), row["class"], dice, hd95
            )
            by_seed.setdefault(f"seed{row['seed']}", []).append(record)
    return {seed: tuple(records) for seed, records in by_seed.items()}


def search_row(name: str, genotype: Genotype) -> str:
    """One row of a table of searches."""
    p = genotype.provenance
    return f"| {name} | {p['epochs']} | {p['stop_reason']} | {p['seconds']} |"


def compress_file(source: Path, target: Path) -> None:
    """Write a gzip copy that is the same bytes whenever it is made."""
    with atomic_write(target) as stream:
        stream.write(gzip.compress(source.read_bytes(), mtime=0))

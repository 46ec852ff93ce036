"""Runs to compare, as named on a command line: one folder, or one folder per seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from iac_components.evaluation.patients import finite_mean
from iac_components.evaluation.records import CSV_NAME, CaseRecord, read_metrics

__all__ = ["average_seeds", "load_run", "require_same_cases"]

SCORES = ("cross_validation", "evaluate")
"""Where a run of several folds, or of one, keeps its scores."""

# From coarse to fine, so that a missing patient is not reported as each of its missing cases.
_LEVELS: dict[str, Callable[[CaseRecord], str]] = {
    "patients": lambda record: record.patient,
    "cases": lambda record: f"{record.patient}/{record.case}",
    "classes": lambda record: f"{record.patient}/{record.case}/{record.class_name}={record.label}",
}


def load_run(argument: str) -> tuple[str, list[CaseRecord]]:
    """Read a run given as ``DIR`` or ``NAME=DIR1,DIR2,...``, one folder a seed.

    Args:
        argument: a folder with ``metrics.csv`` (or that file), or one of ``iac run`` or ``iac
            ensemble``, which stands for its scores; it gives the run its name. Or a name and
            folders whose records are averaged.

    Returns:
        The run's name and its records.

    Raises:
        OSError: if a file cannot be read.
        ValueError: if the argument or a file is malformed, or the seeds saw different cases.
    """
    # A folder may itself be called "lr=0.1", so what exists is taken as a folder.
    if "=" not in argument or Path(argument).exists():
        path = Path(argument).resolve()
        return (path.parent if path.is_file() else path).name, _read(argument)
    name, _, listed = argument.partition("=")
    folders = listed.split(",")
    if not name or not all(folders):
        raise ValueError(f"'{argument}' is not of the form NAME=DIR1,DIR2,...")
    seeds = {folder: _read(folder) for folder in folders}
    if len(seeds) != len(folders):
        raise ValueError(f"'{argument}' names a folder twice, so a seed would count twice.")
    return name, average_seeds(seeds)


def _read(place: str) -> list[CaseRecord]:
    """Read the records of a folder, or of the folder of scores within it."""
    scores = (Path(place) / name / CSV_NAME for name in ("", *SCORES))
    return read_metrics(next((path for path in scores if path.is_file()), place))


def average_seeds(seeds: Mapping[str, Sequence[CaseRecord]]) -> list[CaseRecord]:
    """Average the records of several seeds, case by case and class by class.

    A seed in which a class is excluded for a case (it is not in the label, and this seed did not
    predict it) is left out of that case's mean.

    Args:
        seeds: the records of each seed, by a name used in messages.

    Returns:
        One record for each case and class, in the first seed's order.

    Raises:
        ValueError: if there is no seed, or the seeds did not see the same patients and cases.
    """
    require_same_cases(seeds)
    tables = [{record.key: record for record in records} for records in seeds.values()]
    return [
        replace(
            record,
            dice=finite_mean(table[record.key].dice for table in tables),
            hd95=finite_mean(table[record.key].hd95 for table in tables),
            false_positive_ml=finite_mean(table[record.key].false_positive_ml for table in tables),
        )
        for record in tables[0].values()
    ]


def require_same_cases(runs: Mapping[str, Sequence[CaseRecord]]) -> None:
    """Check that all runs scored the same patients, cases and classes.

    Raises:
        ValueError: naming the two runs and the patients or cases or classes only one of them has.
    """
    if not runs:
        raise ValueError("no run was given.")
    (first_name, first), *others = runs.items()
    for name, records in others:
        for what, describe in _LEVELS.items():
            ours, theirs = set(map(describe, first)), set(map(describe, records))
            _require_equal(ours, theirs, what, first_name, name)


def _require_equal(first: set[str], second: set[str], what: str, name: str, other: str) -> None:
    if first == second:
        return
    only = [
        f"only in '{run}': {_shorten(rest)}"
        for run, rest in ((name, first - second), (other, second - first))
        if rest
    ]
    raise ValueError(
        f"'{name}' and '{other}' do not hold the same {what} ({'; '.join(only)}): "
        "evaluate both on the same split."
    )


def _shorten(names: set[str], limit: int = 10) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return ", ".join(listed[:limit]) + more

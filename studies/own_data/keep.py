"""Raw files of a run: its scores, its control's, and what was planned, found and spent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.common.files import read_json, write_json, write_text
from iac_components.evaluation.records import CSV_NAME, CaseRecord, format_csv, read_metrics
from iac_components.interface.running.control import is_plain
from iac_components.interface.running.finished import FinishedStages
from iac_components.interface.running.folds.stages import CROSS_VALIDATION
from iac_components.interface.running.request import read_request
from iac_components.interface.running.results.against_control import scores_with_control
from iac_components.interface.running.results.words import found_in_a_sentence, kept_in_a_sentence
from iac_components.interface.running.stages import Stage

__all__ = ["CONTROL", "RUN", "SCORES", "keep_ensemble", "keep_run"]

SCORES, CONTROL, RUN = "scores.csv", "control.csv", "run.json"
MAX_BYTES = 1_000_000


def keep_run(run: Path, target: Path) -> None:
    """Copy what a page needs of a run, without images, weights or places on a disk.

    A run whose searches all kept no cell is its own control; a topology search has none.

    Args:
        run: folder of a finished ``iac run``.
        target: folder for the raw files.

    Raises:
        OSError: if it has no control: ``iac run --control``.
        ValueError: if the run does not say what it is of, or tested nobody.
    """
    request = read_request(run)
    folds = request.tested_folds(run)
    if not folds:
        raise ValueError(f"'{run}' has tested no fold: run it to its end.")
    target.mkdir(parents=True, exist_ok=True)
    write_text(target / SCORES, format_csv(_scores(folds.values())))
    if not all(map(_without_cells, folds.values())):
        write_text(target / CONTROL, format_csv(scores_with_control(folds.values())["plain"]))
    stem = request.bundles.stem
    name = stem.name.removesuffix("_segmentation").removesuffix("_iac")
    plan = stem.with_name(f"{name}_plan.json")
    decisions = cast("Mapping[str, object]", read_json(plan, max_bytes=MAX_BYTES))["decisions"]
    content = {
        "stem": name,
        "set": list(request.overrides),
        "plan": decisions,
        "folds": {str(fold): _fold(stages) for fold, stages in folds.items()},
    }
    write_json(target / RUN, content)


def keep_ensemble(folder: Path, target: Path) -> None:
    """Copy the scores of ``iac ensemble`` alone.

    Raises:
        OSError: if it has none: it was of folders, not of runs.
    """
    records = read_metrics(folder / CROSS_VALIDATION)
    target.mkdir(parents=True, exist_ok=True)
    write_text(target / SCORES, format_csv(records))


def _scores(runs: Iterable[Sequence[Stage]]) -> list[CaseRecord]:
    files = (_result(stages, "evaluate").with_name(CSV_NAME) for stages in runs)
    return [record for file in files for record in read_metrics(file)]


def _without_cells(stages: Sequence[Stage]) -> bool:
    """Return whether a run has no cells: its search kept none, or was of a topology."""
    return _is_topology(stages) or is_plain(stages)


def _is_topology(stages: Sequence[Stage]) -> bool:
    return all(stage.name != "backbone" for stage in stages)


def _result(stages: Sequence[Stage], name: str) -> Path:
    return next(stage.result for stage in stages if stage.name == name)


def _fold(stages: Sequence[Stage]) -> dict[str, object]:
    search = _result(stages, "search")
    genotype = json.loads(search.read_text(encoding="utf-8"))
    return {
        "seconds": FinishedStages(search.parents[1]).seconds,
        "finding": found_in_a_sentence(search),
        "plain": not _is_topology(stages) and is_plain(stages),
        "provenance": genotype.get("provenance"),
        "postprocessing": kept_in_a_sentence(_result(stages, "postprocess")),
    }

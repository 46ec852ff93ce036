"""Raw files of a run: its scores, its control's, and what was planned, found and spent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.common.files import read_json, write_json, write_text
from iac_components.evaluation.records import format_csv
from iac_components.interface.running.control import is_plain
from iac_components.interface.running.finished import FinishedStages
from iac_components.interface.running.request import read_request
from iac_components.interface.running.results.against_control import scores_with_control
from iac_components.interface.running.results.words import found_in_a_sentence, kept_in_a_sentence
from iac_components.interface.running.stages import Stage

__all__ = ["CONTROL", "RUN", "SCORES", "keep_run"]

SCORES, CONTROL, RUN = "scores.csv", "control.csv", "run.json"
MAX_BYTES = 1_000_000


def keep_run(run: Path, target: Path) -> None:
    """Copy what a page needs of a run, without images, weights or places on a disk.

    A run whose searches all kept no cell is its own control.

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
    scores = scores_with_control(folds.values())
    write_text(target / SCORES, format_csv(scores["cell"]))
    if not all(map(is_plain, folds.values())):
        write_text(target / CONTROL, format_csv(scores["plain"]))
    stem = request.bundles.stem
    plan = stem.with_name(f"{stem.name.removesuffix('_iac_segmentation')}_plan.json")
    decisions = cast("Mapping[str, object]", read_json(plan, max_bytes=MAX_BYTES))["decisions"]
    content = {
        "stem": plan.name.removesuffix("_plan.json"),
        "set": list(request.overrides),
        "plan": decisions,
        "folds": {str(fold): _fold(stages) for fold, stages in folds.items()},
    }
    write_json(target / RUN, content)


def _result(stages: Sequence[Stage], name: str) -> Path:
    return next(stage.result for stage in stages if stage.name == name)


def _fold(stages: Sequence[Stage]) -> dict[str, object]:
    search = _result(stages, "search")
    genotype = json.loads(search.read_text(encoding="utf-8"))
    return {
        "seconds": FinishedStages(search.parents[1]).seconds,
        "finding": found_in_a_sentence(search),
        "plain": is_plain(stages),
        "provenance": genotype.get("provenance"),
        "postprocessing": kept_in_a_sentence(_result(stages, "postprocess")),
    }

"""The end of a run: scores of all folds together, the page, and what is told on the console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.interface.running.chain import run_stages
from iac_components.interface.running.control import control_stages, is_plain
from iac_components.interface.running.folds.stages import (
    decide_together,
    fold_folder,
    write_cross_validation,
)
from iac_components.interface.running.results.against_control import (
    compare_with_control,
    control_in_a_sentence,
)
from iac_components.interface.running.results.page import write_run_report
from iac_components.interface.running.results.words import (
    found_in_a_sentence,
    kept_in_a_sentence,
    metrics_table,
)
from iac_components.interface.running.stages import Stage

__all__ = ["Runs", "sum_up", "tell_results"]

Runs = dict[int | None, list[Stage]]
"""Stages of every fold, or of the config's (None)."""


def sum_up(
    runs: Runs,
    further: Sequence[Stage],
    out: Path,
    *,
    layout: str,
    settings: Mapping[str, object],
    with_control: bool,
) -> None:
    """Segment with all folds, sum up the scores, write the page, and tell where all is."""
    whole = out
    names = cast("list[str]", settings["class_names"])
    regions = cast("Mapping[str, Sequence[int]] | None", settings.get("regions"))
    (fold, first), *others = runs.items()
    kept = decide_together(runs, out, class_names=names, regions=regions) if others else None
    if further:
        run_stages(further, out)
    if others:
        scores: Path | None = write_cross_validation(runs, out)
        if kept is not None:
            print(f"\nImages, by all folds: {kept_in_a_sentence(kept)}")
        print(f"\n{metrics_table(cast(Path, scores))}\n\nscores      {scores}")
    else:
        scores = next((stage.result for stage in first if stage.name == "evaluate"), None)
        tell_results(first)
        out = out if fold is None else fold_folder(out, fold)
    comparison = compare_with_control(runs.values(), out) if with_control else None
    if comparison is not None:
        print(f"\n{control_in_a_sentence(comparison)}\n")
        controls = [control_stages(stages) for stages in runs.values() if not is_plain(stages)]
        further = [*further, *(stage for of_fold in controls for stage in of_fold)]
    report = write_run_report(
        out,
        {"Test fold" if fold is None else f"Fold {fold}": stages for fold, stages in runs.items()},
        scores=scores,
        layout=layout,
        class_names=names,
        further=further,
        kept_by_all=kept,
        control=comparison,
    )
    print(f"report      {report}")
    print(f"hand it on: iac export {whole} --output_dir <folder of a new bundle>")


def tell_results(stages: list[Stage]) -> None:
    """Print the findings, the scores, and the places of all results."""
    results = {stage.name: stage.result for stage in stages if stage.result.exists()}
    if "search" in results:
        print(f"\n{found_in_a_sentence(results['search'])}")
    if "postprocess" in results:
        print(f"\n{kept_in_a_sentence(results['postprocess'])}")
    if "evaluate" in results:
        print(f"\n{metrics_table(results['evaluate'])}")
    print()
    for name, path in results.items():
        print(f"{name:<11} {path}")

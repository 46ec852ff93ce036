"""A run of several folds: each in a folder of its own, their scores together, their average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from iac_components.common.files import read_json, require_writable_directory
from iac_components.evaluation import CSV_NAME, read_metrics, write_metrics
from iac_components.evaluation.postprocessing.decision import decide
from iac_components.evaluation.postprocessing.decision_file import (
    COUNTS_NAME,
    DECISION_NAME,
    read_counts,
    write_decision,
)
from iac_components.interface.running.bundles import Bundles
from iac_components.interface.running.stages import Stage, make_stages

__all__ = [
    "CROSS_VALIDATION",
    "decide_together",
    "ensemble_stage",
    "fold_folder",
    "fold_stages",
    "found_folds",
    "write_cross_validation",
]

CROSS_VALIDATION = "cross_validation"
FOLD = "fold_"
MAX_BYTES = 100_000_000


def fold_folder(out: Path, fold: int) -> Path:
    """Return the folder of a fold within a run's."""
    return out / f"{FOLD}{fold}"


def found_folds(out: Path) -> list[int]:
    """List the folds that have a folder within a run's."""
    names = (path.name.removeprefix(FOLD) for path in out.glob(f"{FOLD}*") if path.is_dir())
    return sorted(int(name) for name in names if name.isdecimal())


def fold_stages(bundles: Bundles, data: Path, *, out: Path, fold: int) -> list[Stage]:
    """List the stages of a fold; all folds share one split of the patients.

    Args:
        bundles: of a combination.
        data: the labelled data set.
        out: folder of the whole run.
        fold: the fold whose patients are the test.
    """
    folder = fold_folder(out, fold)
    stages = make_stages(bundles, data, images=folder / "images", out=folder)
    split = {"fold": fold, "folds_file": out / "folds.json"}
    return [
        stage.with_options(split) if "folds_file" in stage.options else stage for stage in stages
    ]


def ensemble_stage(
    bundles: Bundles, stages: Mapping[int | None, Sequence[Stage]], *, images: Path, out: Path
) -> Stage:
    """Make the stage that segments images with the average of all folds' networks.

    Args:
        bundles: of a combination.
        stages: those of each fold.
        images: folder of the images.
        out: folder of the whole run.
    """
    single = [
        next(stage for stage in of_fold if stage.name == "predict") for of_fold in stages.values()
    ]
    (architecture,) = (key for key in single[0].options if key.endswith("_path"))
    decided = "postprocessing_file"
    results = [stage.result for stage in next(iter(stages.values())) if stage.name == "postprocess"]
    # A file that the user names instead holds for the average too.
    by_folds = single[0].options.get(decided) in results
    return Stage(
        "predict",
        f"segment a folder of images with the average of {len(single)} folds",
        (bundles.config("inference"),),
        {
            **{
                key: value
                for key, value in single[0].options.items()
                if key not in (architecture, "checkpoint")
            },
            **({decided: out / CROSS_VALIDATION / DECISION_NAME} if by_folds else {}),
            "dataset_dir": images,
            "fold_weights": [str(stage.options["checkpoint"]) for stage in single],
            "fold_architectures": [str(stage.options[architecture]) for stage in single],
            "output_dir": out / "predictions",
        },
        out / "predictions",
    )


def decide_together(
    stages: Mapping[int | None, Sequence[Stage]],
    out: Path,
    *,
    class_names: Sequence[str],
    regions: Mapping[str, Sequence[int]] | None,
) -> Path | None:
    """Decide by all folds' validation patients of what the largest component is kept.

    For the average of the folds' networks alone: most of these patients are tested in another
    fold, whose scores they must not have had a say in.

    Returns:
        ``postprocessing.json`` of all folds; None if no fold decided.
    """
    cases = [
        # A patient may validate several folds, each by another network.
        replace(case, case=f"{case.case} by fold {fold}")
        for fold, of_fold in stages.items()
        for stage in of_fold
        if stage.name == "postprocess"
        for case in read_counts(stage.result.with_name(COUNTS_NAME))
    ]
    if not cases:
        return None
    path = require_writable_directory(out / CROSS_VALIDATION) / DECISION_NAME
    write_decision(path, decide(cases, class_names, regions), info={"folds": list(stages)})
    return path


def write_cross_validation(stages: Mapping[int | None, Sequence[Stage]], out: Path) -> Path:
    """Write the scores of all folds' test patients, each from the network that never saw it.

    Returns:
        ``metrics.json`` of all patients, beside its ``metrics.csv``.
    """
    results = [
        stage.result for of_fold in stages.values() for stage in of_fold if stage.name == "evaluate"
    ]
    content = cast("dict[str, object]", read_json(results[0], max_bytes=MAX_BYTES))
    folder = require_writable_directory(out / CROSS_VALIDATION)
    write_metrics(
        folder,
        [record for result in results for record in read_metrics(result.with_name(CSV_NAME))],
        class_names=cast("list[str]", content["class_names"]),
        info={"folds": list(stages), "runs": [str(result.parent) for result in results]},
        regions=cast("Mapping[str, Sequence[int]] | None", content.get("regions")),
    )
    return folder / results[0].name

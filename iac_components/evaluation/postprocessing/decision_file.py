"""Files of a decision: ``postprocessing.json``, and the counts that it was made by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from iac_components.common.files import read_json, write_json
from iac_components.evaluation.metrics_files import json_number
from iac_components.evaluation.postprocessing.counts import ComponentCounts
from iac_components.evaluation.postprocessing.decision import Decision
from iac_components.evaluation.postprocessing.kept import KeptComponents

__all__ = [
    "COUNTS_NAME",
    "DECISION_NAME",
    "read_counts",
    "read_kept",
    "write_counts",
    "write_decision",
]

DECISION_NAME = "postprocessing.json"
COUNTS_NAME = "component_counts.json"
SCHEMA_VERSION = 1
MAX_BYTES = 100_000_000
RULE = (
    "Only the largest connected component is kept where the mean Dice over the validation patients "
    "then rises for a class (or region) and falls for none; the foreground as a whole is tried "
    "first, then each class."
)


def write_decision(path: Path, decision: Decision, *, info: Mapping[str, object]) -> None:
    """Write ``postprocessing.json``, atomically.

    Args:
        path: the file.
        decision: to write.
        info: plain JSON values on where it is from.
    """
    write_json(
        path,
        {
            "schema_version": SCHEMA_VERSION,
            "keep_largest": _kept_content(decision.kept),
            "class_names": list(decision.class_names),
            "rule": RULE,
            "num_patients": decision.num_patients,
            "dice": {"without": _plain(decision.without), "with": _plain(decision.dice)},
            "tried": [
                {
                    "keep_largest": _kept_content(trial.kept),
                    "dice": _plain(trial.dice),
                    "adopted": trial.adopted,
                }
                for trial in decision.trials
            ],
            "info": dict(info),
        },
    )


def read_kept(path: str | Path) -> KeptComponents:
    """Read what a ``postprocessing.json`` keeps; ``keep_largest`` alone is needed.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no such file; the message names the field.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(
            f"postprocessing_file '{file}' does not exist. configs/postprocess.json of the train "
            "bundle makes it; null segments without."
        )
    what = f"postprocessing_file '{file}'"
    try:
        content = read_json(file, max_bytes=MAX_BYTES)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error
    if not isinstance(content, dict) or content.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(f"{what}: schema_version must be {SCHEMA_VERSION}.")
    kept = content.get("keep_largest")
    if not isinstance(kept, dict) or set(kept) != {"foreground", "classes"}:
        raise ValueError(f"{what}: keep_largest must be an object of 'foreground' and 'classes'.")
    foreground, classes = kept["foreground"], kept["classes"]
    if not isinstance(foreground, bool):
        raise ValueError(f"{what}: keep_largest.foreground must be true or false.")
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise ValueError(f"{what}: keep_largest.classes must be a list of class names.")
    return KeptComponents(foreground, tuple(classes))


def write_counts(path: Path, cases: Sequence[ComponentCounts]) -> None:
    """Write the counts of all cases, by which several folds decide together."""
    write_json(
        path,
        {
            "schema_version": SCHEMA_VERSION,
            "cases": [
                {"patient": case.patient, "case": case.case, "tables": case.tables.tolist()}
                for case in cases
            ],
        },
    )


def read_counts(path: Path) -> list[ComponentCounts]:
    """Read what :func:`write_counts` wrote.

    Raises:
        ValueError: if it is no such file.
    """
    content = read_json(path, max_bytes=MAX_BYTES)
    cases = content.get("cases") if isinstance(content, dict) else None
    if not isinstance(cases, list):
        raise ValueError(f"'{path}' holds no counts of cases: decide again.")
    return [
        ComponentCounts(case["patient"], case["case"], np.asarray(case["tables"], dtype=np.int64))
        for case in cases
    ]


def _kept_content(kept: KeptComponents) -> dict[str, object]:
    return {"foreground": kept.foreground, "classes": list(kept.classes)}


def _plain(dice: Mapping[str, float]) -> dict[str, float | None]:
    return {name: json_number(value) for name, value in dice.items()}

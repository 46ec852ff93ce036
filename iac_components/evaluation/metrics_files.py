"""The two files of an evaluation: ``metrics.csv`` (every case) and ``metrics.json`` (patients)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from iac_components.common.files import write_json, write_text
from iac_components.evaluation.metrics import EMPTY_CLASS_POLICY
from iac_components.evaluation.patients import PatientScore, patient_scores
from iac_components.evaluation.records import (
    CSV_NAME,
    FALSE_POSITIVES,
    METRICS,
    CaseRecord,
    format_csv,
)
from iac_components.evaluation.statistics import Summary, summarize

__all__ = ["JSON_NAME", "json_number", "write_metrics"]

JSON_NAME = "metrics.json"
_SCHEMA_VERSION = 1


def write_metrics(
    output_dir: str | Path,
    records: Sequence[CaseRecord],
    *,
    class_names: Sequence[str],
    info: Mapping[str, object],
    regions: Mapping[str, Sequence[int]] | None = None,
) -> None:
    """Write ``metrics.csv`` and ``metrics.json``, each atomically, sorted by patient and case.

    Dice is a fraction (0 to 1), HD95 in mm, false positives in ml; an excluded score is an empty
    cell or null.

    Args:
        output_dir: folder of both files, made if absent.
        records: every case and class of the run, in any order.
        class_names: names of the scored foreground classes or regions; label
            i + 1 is ``class_names[i]``.
        info: plain JSON values kept in ``metrics.json``, such as dataset, fold and seed.
        regions: label values of each region, kept in ``metrics.json``; None if none were scored.

    Raises:
        ValueError: if there is no record, a record's class is not in ``class_names``, or a case
            and class occurs twice.
        TypeError: if ``info`` holds something JSON cannot.
        OSError: if a file cannot be written.
    """
    if not records:
        raise ValueError("there is nothing to write: no case was evaluated.")
    for record in records:
        if list(class_names)[record.label - 1 : record.label] != [record.class_name]:
            raise ValueError(
                f"patient '{record.patient}', case '{record.case}': label {record.label} is named "
                f"'{record.class_name}', which does not fit class_names {list(class_names)}."
            )
    content = _json_content(records, class_names, info)
    if regions is not None:
        content["regions"] = {name: list(values) for name, values in regions.items()}
    # JSON first: it is the one that can be refused, and then no half of a report is left.
    write_json(Path(output_dir) / JSON_NAME, content)
    ordered = sorted(records, key=lambda record: record.key)
    write_text(Path(output_dir) / CSV_NAME, format_csv(ordered))


def json_number(value: float) -> float | None:
    """Return ``value``, or None for NaN, which JSON cannot hold."""
    return None if math.isnan(value) else value


def _json_content(
    records: Sequence[CaseRecord], class_names: Sequence[str], info: Mapping[str, object]
) -> dict[str, object]:
    measured = (*METRICS, FALSE_POSITIVES)
    scores = {metric: patient_scores(records, metric) for metric in measured}
    first = scores[METRICS[0]]
    return {
        "schema_version": _SCHEMA_VERSION,
        "units": {"dice": "fraction", "hd95": "mm", FALSE_POSITIVES: "ml"},
        "empty_class_policy": EMPTY_CLASS_POLICY,
        "class_names": list(class_names),
        "info": dict(info),
        "summary": {
            **{metric: _summary(scores[metric], class_names) for metric in measured},
            "healthy_cases": _healthy_cases(records),
        },
        "patients": [
            {
                "patient": patient,
                "cases": list(first[patient].cases),
                **{metric: _patient(scores[metric][patient]) for metric in measured},
            }
            for patient in first
        ],
    }


def _healthy_cases(records: Sequence[CaseRecord]) -> dict[str, int]:
    """Count the cases without scored foreground in the label, and those with false positives."""
    volumes: dict[tuple[str, str], list[float]] = {}
    for record in records:
        volumes.setdefault((record.patient, record.case), []).append(record.false_positive_ml)
    healthy = [found for found in volumes.values() if not any(map(math.isnan, found))]
    return {
        "n_cases": len(healthy),
        "n_with_false_positives": sum(any(found) for found in healthy),
    }


def _patient(score: PatientScore) -> dict[str, object]:
    classes = {name: json_number(value) for name, value in score.classes.items()}
    return {"mean": json_number(score.mean), "classes": classes}


def _summary(scores: Mapping[str, PatientScore], class_names: Sequence[str]) -> dict[str, object]:
    def over_patients(name: str) -> dict[str, object]:
        return _plain(summarize([score.classes.get(name, math.nan) for score in scores.values()]))

    return {
        "mean": _plain(summarize([score.mean for score in scores.values()])),
        "classes": {name: over_patients(name) for name in class_names},
    }


def _plain(summary: Summary) -> dict[str, object]:
    interval = [json_number(summary.lower), json_number(summary.upper)]
    return {
        "mean": json_number(summary.mean),
        "sd": json_number(summary.sd),
        "median": json_number(summary.median),
        "interval_95": None if None in interval else interval,
        "n_patients": summary.n_patients,
        "n_excluded": summary.n_excluded,
    }

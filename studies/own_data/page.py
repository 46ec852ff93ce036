"""The page of the runs that are written up, made of their raw files."""

from __future__ import annotations

import json
import string
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.common.files import read_json
from iac_components.common.pages.markdown_table import markdown_table
from iac_components.evaluation import CaseRecord, compare_runs, patient_scores, read_metrics
from iac_components.evaluation.patients import finite_mean
from iac_components.evaluation.statistics import summarize
from iac_components.interface.running.results.against_control import control_in_a_sentence
from studies.own_data.keep import CONTROL, RUN, SCORES
from studies.summary.tables import gain

__all__ = ["page"]

HERE = Path(__file__).parent
RESULTS = HERE / "results"
TEMPLATE = HERE / "page.md"
SHIPPED = {"unet": "2-D U-Net", "nnunet3d": "3-D nnU-Net"}
"""Backbones of hippocampus that ship weights, as the page calls them."""

NETWORKS = {
    "hippocampus_unet": "2-D U-Net",
    "hippocampus_unet3d": "3-D U-Net",
    "hippocampus_dints": "3-D, topology by DiNTS",
    "hippocampus_ensemble": "average of the 2-D and the 3-D U-Net",
}
"""Runs of the same folds of hippocampus."""

FOLD_0 = HERE.parent / "shipped" / "results"
"""Scores of their trainings without fold 0, a folder each."""

MAX_BYTES = 1_000_000

Json = Mapping[str, object]


def page(results: Path = RESULTS) -> str:
    """Return the whole page.

    Args:
        results: folder with a folder a run.
    """
    words: dict[str, str] = {}
    for folder in sorted(path.parent for path in results.glob(f"*/{RUN}")):
        words |= {f"{folder.name}_{key}": value for key, value in _run(folder).items()}
    words["networks"] = _networks(results)
    words["shipped"] = _shipped(read_metrics(results / "hippocampus_unet3d" / SCORES))
    return string.Template(TEMPLATE.read_text(encoding="utf-8")).substitute(words)


def _run(folder: Path) -> dict[str, str]:
    record = cast(Json, read_json(folder / RUN, max_bytes=MAX_BYTES))
    scores = read_metrics(folder / SCORES)
    folds = cast("Mapping[str, Json]", record["folds"])
    words = {
        "stem": str(record["stem"]),
        "set": " ".join(cast("list[str]", record["set"])),
        "folds": " ".join(folds),
        "finding": _finding(next(iter(folds.values()))),
        "plan": _plan(cast("Mapping[str, Json]", record["plan"])),
        "by_fold": _by_fold(folds),
        "scores": _scores(scores),
        "patients": str(len(patient_scores(scores, "dice"))),
        "hours": f"{sum(_minutes(fold) for fold in folds.values()) / 60:.1f}",
        "control": "No search kept a cell: the networks are the plain ones.",
    }
    if (folder / CONTROL).is_file():
        compared = {"plain": read_metrics(folder / CONTROL), "cell": scores}
        words["control"] = control_in_a_sentence(compare_runs(compared))
    return words


def _plan(decisions: Mapping[str, Json]) -> str:
    """Tell every decision, those that were edited with what the rules give."""
    rows = []
    for name, decision in decisions.items():
        value = decision["value"]
        text = f"`{json.dumps(value)}`" if _short(value) else str(cast(Json, value)["_target_"])
        reason = str(decision["reason"])
        if value != decision["planned"]:
            reason = f"edited; the rules give {json.dumps(decision['planned'])}"
        rows.append((name, text, reason, str(decision["source"])))
    return markdown_table(("decision", "value", "reason", "source"), rows, words=4)


def _short(value: object) -> bool:
    return not (isinstance(value, dict) and "_target_" in value)


def _by_fold(folds: Mapping[str, Json]) -> str:
    rows = [
        (
            number,
            _finding(fold),
            str(fold["postprocessing"]),
            f"{_minutes(fold):.0f}",
        )
        for number, fold in folds.items()
    ]
    header = ("fold", "what the search says", "largest components", "minutes")
    return markdown_table(header, rows, words=3)


def _finding(fold: Json) -> str:
    return str(fold["finding"]).removeprefix("The search's finding: ")


def _minutes(fold: Json) -> float:
    return sum(cast("Mapping[str, float]", fold["seconds"]).values()) / 60


def _scores(records: Sequence[CaseRecord]) -> str:
    rows = []
    for name in (*dict.fromkeys(record.class_name for record in records), "mean"):
        rows.append((name, *(_interval(records, metric, name) for metric in ("dice", "hd95"))))
    return markdown_table(("class", "Dice x 100", "HD95, mm"), rows)


def _interval(records: Sequence[CaseRecord], metric: str, name: str) -> str:
    summary = summarize(list(_values(records, metric, name)))
    scale = 100 if metric == "dice" else 1
    mean, low, high = (scale * value for value in (summary.mean, summary.lower, summary.upper))
    return f"{mean:.2f} [{low:.2f}, {high:.2f}]"


def _values(records: Sequence[CaseRecord], metric: str, name: str) -> Iterator[float]:
    for score in patient_scores(records, metric).values():
        yield score.mean if name == "mean" else score.classes[name]


def _networks(results: Path) -> str:
    """Compare the runs on hippocampus, patient by patient, with the 3-D U-Net's."""
    reference = read_metrics(results / "hippocampus_unet3d" / SCORES)
    rows = []
    for name, title in NETWORKS.items():
        scores = read_metrics(results / name / SCORES)
        same = _of(reference, {record.patient for record in scores})
        less = "-" if name == "hippocampus_unet3d" else gain(scores, same)
        marks = (_interval(scores, metric, "mean") for metric in ("dice", "hd95"))
        patients = str(len(patient_scores(scores, "dice")))
        rows.append((title, patients, *marks, less, _minutes_a_fold(results / name / RUN)))
    header = (
        *("network", "patients", "mean Dice x 100", "HD95, mm"),
        *("less the 3-D U-Net's of the same", "minutes a fold"),
    )
    return markdown_table(header, rows)


def _of(records: Sequence[CaseRecord], patients: Collection[str]) -> list[CaseRecord]:
    return [record for record in records if record.patient in patients]


def _minutes_a_fold(run: Path) -> str:
    if not run.is_file():  # an average of runs
        return "-"
    record = cast(Json, read_json(run, max_bytes=MAX_BYTES))
    folds = cast("Mapping[str, Json]", record["folds"]).values()
    return f"{sum(map(_minutes, folds)) / len(folds):.0f}"


def _shipped(records: Sequence[CaseRecord]) -> str:
    """Compare with the shipped networks' trainings on the patients of fold 0."""
    rows = []
    for name, title in SHIPPED.items():
        shipped = read_metrics(FOLD_0 / name / "fold_0.csv")
        tested = {record.patient for record in shipped}
        same = _of(records, tested)
        means = [finite_mean(_values(of_run, "dice", "mean")) for of_run in (shipped, same)]
        dice = [f"{100 * mean:.2f}" for mean in means]
        rows.append((title, str(len(tested)), *dice, gain(shipped, same)))
    header = ("shipped", "patients", "its Dice x 100", "this run's", "difference")
    return markdown_table(header, rows)

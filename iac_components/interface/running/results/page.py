"""The page of a run: scores, the search's finding, worst and median patient, all commands."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.common.files import write_text
from iac_components.common.pages.blocks import (
    Block,
    Heading,
    Items,
    Paragraph,
    Picture,
    Table,
    to_html,
)
from iac_components.data.case import DatalistEntry, entry_files
from iac_components.evaluation import patient_scores, read_metrics
from iac_components.evaluation.comparing.compare import RunComparison
from iac_components.interface.running.chain import test_cases
from iac_components.interface.running.finished import FinishedStages
from iac_components.interface.running.results.against_control import control_in_a_sentence
from iac_components.interface.running.results.words import found_in_a_sentence, kept_in_a_sentence
from iac_components.interface.running.stages import Stage
from iac_components.visualization import write_overlay

__all__ = ["REPORT", "write_run_report"]

REPORT = "report.html"
PICTURES = {
    "cell.png": "The cell",
    "topology.png": "The topology",
    "effects.png": "What each part is worth, with intervals",
    "probability_curves.png": "Probabilities of the operations during the search",
}

Json = Mapping[str, object]


def write_run_report(
    out: Path,
    runs: Mapping[str, Sequence[Stage]],
    *,
    scores: Path | None,
    layout: str,
    class_names: Sequence[str],
    further: Sequence[Stage] = (),
    kept_by_all: Path | None = None,
    control: RunComparison | None = None,
) -> Path:
    """Write ``report.html``, which needs no other file.

    Args:
        out: folder of the run.
        runs: stages of each fold, by the fold's title.
        scores: ``metrics.json`` of all test patients; None without a test.
        layout: of the data set.
        class_names: of the classes, from 1.
        further: stages beside those of the folds.
        kept_by_all: ``postprocessing.json`` that all folds decided together; None if none is.
        control: the run against the plain network; None if there is none.
    """
    blocks = [Heading(out.name, level=1), *_findings(runs, kept_by_all)]
    if scores is not None:
        blocks += _scores(runs, scores)
        if control is not None:
            blocks += _control(control)
        blocks += _patients(runs, layout, class_names)
    blocks += [*_search_pictures(runs), *_times(runs), Heading("Commands")]
    blocks.append(Paragraph("Each can be run again by itself, from any directory."))
    for stage in (*(stage for stages in runs.values() for stage in stages), *further):
        blocks.append(Items([stage.line().replace(" \\\n   ", "")]))
    path = out / REPORT
    write_text(path, to_html(blocks))
    return path


def _result(stages: Sequence[Stage], name: str) -> Path | None:
    return next(
        (stage.result for stage in stages if stage.name == name and stage.result.exists()), None
    )


def _findings(runs: Mapping[str, Sequence[Stage]], kept_by_all: Path | None) -> Iterator[Block]:
    for title, stages in runs.items():
        found = _result(stages, "search")
        if found is not None:
            words = found_in_a_sentence(found)
            yield Paragraph(f"{title}: {words}" if len(runs) > 1 else words, strong=True)
        decided = _result(stages, "postprocess")
        if decided is not None:
            words = kept_in_a_sentence(decided)
            yield Paragraph(f"{title}: {words}" if len(runs) > 1 else words)
    if kept_by_all is not None:
        yield Paragraph(f"Images, by all folds: {kept_in_a_sentence(kept_by_all)}")


def _scores(runs: Mapping[str, Sequence[Stage]], path: Path) -> Iterator[Block]:
    content = cast(Json, json.loads(path.read_text(encoding="utf-8")))
    summary = cast(Mapping[str, Json], content["summary"])
    count = len(cast(Sequence[object], content["patients"]))
    yield Heading("Scores on patients that were never trained or searched on")
    rows = [
        [
            name or "mean",
            *(_with_interval(summary, metric, name, digits) for metric, digits in _METRICS),
        ]
        for name in (*cast(Sequence[str], content["class_names"]), None)
    ]
    yield Table(["class", "Dice", "HD95 in mm"], rows)
    yield Paragraph(
        f"Means over {count} patients with 95 % bootstrap intervals over them. One training a "
        "fold: the intervals do not cover how trainings differ."
    )
    if len(runs) > 1:
        yield Table(["fold", "patients", "Dice", "HD95 in mm"], list(_fold_rows(runs)))


_METRICS = (("dice", 3), ("hd95", 2))


def _fold_rows(runs: Mapping[str, Sequence[Stage]]) -> Iterator[list[str]]:
    for title, stages in runs.items():
        result = _result(stages, "evaluate")
        if result is not None:
            content = json.loads(result.read_text(encoding="utf-8"))
            means = [content["summary"][metric]["mean"]["mean"] for metric, _ in _METRICS]
            cells = [
                "-" if mean is None else f"{mean:.{digits}f}"
                for mean, (_, digits) in zip(means, _METRICS, strict=True)
            ]
            yield [title, str(len(content["patients"])), *cells]


def _times(runs: Mapping[str, Sequence[Stage]]) -> Iterator[Block]:
    """Tell what the stages took, as far as it is known."""
    seconds = {
        title: FinishedStages(stage.result.parents[1]).seconds
        for title, stages in runs.items()
        for stage in stages
        if stage.name == "search"
    }
    names = dict.fromkeys(name for of_run in seconds.values() for name in of_run)
    if names:
        yield Heading("Minutes")
        rows = [
            [title, *(f"{of_run[name] / 60:.1f}" if name in of_run else "-" for name in names)]
            for title, of_run in seconds.items()
        ]
        yield Table(["", *names], rows)


def _control(comparison: RunComparison) -> Iterator[Block]:
    yield Heading("Does the cell pay?")
    yield Paragraph(control_in_a_sentence(comparison), strong=True)
    titles = {"dice": ("Dice", 3), "hd95": ("HD95 in mm", 2)}
    rows = []
    for row in comparison.rows:
        title, digits = titles[row.metric]
        means = [
            "-" if math.isnan(mean) else f"{mean:.{digits}f}"
            for mean in (row.reference_mean, row.run_mean)
        ]
        test = row.paired
        cells = ["-", "-"]
        if test is not None:
            values = (test.mean_difference, test.lower, test.upper)
            mean, low, high = (f"{value:+.{digits}f}" for value in values)
            cells = [f"{mean} [{low}, {high}]", f"{test.p_value:.2g}"]
        rows.append([title, row.class_name or "mean", *means, *cells])
    yield Table(["", "class", "plain", "with the cell", "difference", "p"], rows)
    yield Paragraph(
        "Both start from the same trained backbone. The plain network was trained by the same "
        "steps, or left as it is where only the cells were trained. Differences are paired by "
        "patient, with 95 % bootstrap intervals and Wilcoxon's signed-rank test, uncorrected."
    )


def _with_interval(
    summary: Mapping[str, Json], metric: str, class_name: str | None, digits: int
) -> str:
    scores = summary[metric]
    found = cast(
        Json,
        scores["mean"] if class_name is None else cast(Json, scores["classes"])[class_name],
    )
    mean, interval = found["mean"], cast("Sequence[float] | None", found["interval_95"])
    if mean is None:
        return "-"
    bounds = "" if interval is None else ", ".join(f"{bound:.{digits}f}" for bound in interval)
    return f"{mean:.{digits}f}" + (f" [{bounds}]" if bounds else "")


def _patients(
    runs: Mapping[str, Sequence[Stage]], layout: str, class_names: Sequence[str]
) -> Iterator[Block]:
    """Draw the patients with the least and with the median Dice."""
    places = {}
    for stages in runs.values():
        result, predictions = (_result(stages, name) for name in ("evaluate", "predict"))
        if result is None or predictions is None:
            continue
        cases = {str(case["case"]): case for case in test_cases(stages[0], layout)}
        for patient, score in patient_scores(read_metrics(result.parent), "dice").items():
            case = next((name for name in score.cases if name in cases), None)
            if case is not None and not math.isnan(score.mean):
                places[patient] = (score.mean, cases[case], predictions)
    drawn = sorted(places.items(), key=lambda item: item[1][0])
    if not drawn:
        return
    yield Heading("Worst and median patient")
    chosen = {"Worst": drawn[0], "Median": drawn[len(drawn) // 2]}
    for word, (patient, (dice, drawn_case, folder)) in chosen.items():
        png = _overlay(drawn_case, folder, class_names)
        caption = f"{word}: {patient}, Dice {dice:.3f}. Above the label, below the segmentation."
        yield Paragraph(caption) if png is None else Picture(png, caption, "")


def _overlay(case: DatalistEntry, predictions: Path, class_names: Sequence[str]) -> bytes | None:
    """Draw a case of volumes; pictures and other formats have no overlay here."""
    image, label = (Path(entry_files(case, key)[0]) for key in ("image", "label"))
    found = sorted(predictions.glob(f"{case['case']}_seg.nii*"))
    if not found or not image.name.lower().endswith((".nii", ".nii.gz")):
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "overlay.png"
        write_overlay(image, found[0], path, label_path=label, class_names=class_names)
        return path.read_bytes()


def _search_pictures(runs: Mapping[str, Sequence[Stage]]) -> Iterator[Block]:
    for title, stages in runs.items():
        found = _result(stages, "search")
        if found is None:
            continue
        yield Heading("The search" if len(runs) == 1 else f"The search, {title}")
        for name, caption in PICTURES.items():
            if (path := found.with_name(name)).is_file():
                yield Picture(path.read_bytes(), caption, name)

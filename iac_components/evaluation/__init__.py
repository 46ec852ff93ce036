"""Patient-level evaluation: whole-volume metrics, their files, and paired comparisons of runs.

``PatientMetrics`` collects Dice and HD95 from a MONAI evaluator and writes ``metrics.csv`` and
``metrics.json``; ``PatientDice`` is the same Dice as a key metric. ``load_run`` and
``compare_runs`` read such files back and compare runs patient by patient. ``LargestComponents``
decides on validation patients which components are kept. Scored are the classes, or regions that
unite some. The treatment of a class that a case does not contain is decided in ``metrics.py``
alone.
"""

from __future__ import annotations

from iac_components.evaluation.comparing.compare import ComparisonRow, RunComparison, compare_runs
from iac_components.evaluation.comparing.runs import average_seeds, load_run
from iac_components.evaluation.comparing.table import render_markdown
from iac_components.evaluation.handler import PatientMetrics
from iac_components.evaluation.metrics import EMPTY_CLASS_POLICY, ClassMetrics, case_metrics
from iac_components.evaluation.metrics_files import write_metrics
from iac_components.evaluation.patient_dice import PatientDice
from iac_components.evaluation.patients import (
    PatientScore,
    finite_mean,
    mean_dice,
    patient_scores,
)
from iac_components.evaluation.postprocessing.handler import LargestComponents
from iac_components.evaluation.records import CSV_NAME, METRICS, CaseRecord, read_metrics
from iac_components.evaluation.regions import scored_regions
from iac_components.evaluation.statistics import (
    PairedComparison,
    Summary,
    bootstrap_interval,
    holm,
    paired_comparison,
    summarize,
)

__all__ = [
    "CSV_NAME",
    "EMPTY_CLASS_POLICY",
    "METRICS",
    "CaseRecord",
    "ClassMetrics",
    "ComparisonRow",
    "LargestComponents",
    "PairedComparison",
    "PatientDice",
    "PatientMetrics",
    "PatientScore",
    "RunComparison",
    "Summary",
    "average_seeds",
    "bootstrap_interval",
    "case_metrics",
    "compare_runs",
    "finite_mean",
    "holm",
    "load_run",
    "mean_dice",
    "paired_comparison",
    "patient_scores",
    "read_metrics",
    "render_markdown",
    "scored_regions",
    "summarize",
    "write_metrics",
]

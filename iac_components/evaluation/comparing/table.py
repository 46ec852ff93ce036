"""Markdown tables of a comparison."""

from __future__ import annotations

import math

from iac_components.common.pages.markdown_table import markdown_table
from iac_components.evaluation.comparing.compare import ComparisonRow, RunComparison

__all__ = ["render_markdown"]

# For each metric its heading and what a value is multiplied by: Dice is told in points.
_UNITS = {"dice": ("Dice (points, x100)", 100.0), "hd95": ("HD95 (mm)", 1.0)}
_COLUMNS = (
    "run",
    "class",
    "patients",
    "reference",
    "run's mean",
    "difference [95 % interval]",
    "p",
    "p (Holm)",
)


def render_markdown(comparison: RunComparison) -> str:
    """Render one Markdown table a metric, rows by run and class, the mean over classes last.

    Args:
        comparison: result of ``compare_runs``.

    Returns:
        Markdown text that ends in a line feed.
    """
    lines = [
        f"Reference: {_cell(comparison.reference)}. {comparison.n_patients} patients, paired. "
        "Differences are run minus reference; 95 % bootstrap intervals over patients, Wilcoxon "
        "signed-rank p, Holm over all tests of this comparison.",
    ]
    for metric in dict.fromkeys(row.metric for row in comparison.rows):
        heading, scale = _UNITS[metric]
        extra = (f"non-inferior at {comparison.margin:g}",) if metric == "dice" else ()
        columns = (*_COLUMNS, *extra)
        rows = (
            _cells(row, scale)[: len(columns)] for row in comparison.rows if row.metric == metric
        )
        table = markdown_table(columns, rows, words=len(columns))
        lines += ["", f"### {heading}", "", table.rstrip()]
    return "\n".join(lines) + "\n"


def _cells(row: ComparisonRow, scale: float) -> list[str]:
    name = "**mean**" if row.class_name is None else _cell(row.class_name)
    means = [_number(mean, scale) for mean in (row.reference_mean, row.run_mean)]
    start = [_cell(row.run), name, str(row.n_patients), *means]
    test = row.paired
    if test is None or row.holm_p is None:
        return [*start, "-", "-", "-", "-"]
    difference, lower, upper = (
        f"{value * scale:+.2f}" for value in (test.mean_difference, test.lower, test.upper)
    )
    verdict = "yes" if test.non_inferior else "no"
    return [
        *start,
        f"{difference} [{lower}, {upper}]",
        _p_value(test.p_value),
        _p_value(row.holm_p),
        verdict,
    ]


def _number(value: float, scale: float) -> str:
    return "-" if math.isnan(value) else f"{value * scale:.2f}"


def _p_value(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _cell(text: str) -> str:
    """Keep a name from ending its line."""
    return " ".join(text.split())

"""Stages of the benchmark, each of which resumes where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from studies.measuring.session import describe_session
from studies.search_cost.searches.reporting.report import write_report
from studies.search_cost.searches.retraining import retrain, train_timed
from studies.search_cost.searches.settings import BenchmarkSettings
from studies.search_cost.searches.turns import Deadline, run_in_turns

__all__ = ["STAGES", "run_stages"]


def _search(settings: BenchmarkSettings, deadline: Deadline) -> bool:
    """Train the backbone, and search."""
    if settings.backbone_ckpt is None:
        folder = settings.output_dir / "base"
        train_timed(settings.training, folder, steps=settings.base_steps)
    return run_in_turns(settings.plans(), session=describe_session(), deadline=deadline)


_WORK: Mapping[str, Callable[[BenchmarkSettings, Deadline], bool]] = {
    "searches": _search,
    "retrain": retrain,
}

STAGES = (*_WORK, "report")
"""Names of the stages, in their order."""


def run_stages(
    settings: BenchmarkSettings, *, stages: Sequence[str], out: Path | None, deadline: Deadline
) -> bool:
    """Run the stages, in order; what is there is reported even if the time was too short.

    Returns:
        Whether all is done; if not, the deadline has passed.
    """
    done = all(_WORK[stage](settings, deadline) for stage in stages if stage in _WORK)
    if "report" in stages and out is not None:
        write_report(settings, out)
    return done

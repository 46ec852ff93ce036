"""The report of a benchmark: raw numbers as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from iac_components.common.files import write_json
from iac_components.evaluation.metrics_files import json_number
from iac_components.search_space import load_genotype
from studies.measuring.session import describe_session
from studies.search_cost.searches.costs import cost_of, mean_cost
from studies.search_cost.searches.epoch_log import EpochLog
from studies.search_cost.searches.plan import SearchPlan
from studies.search_cost.searches.reporting.quality import seed_mean, summary_of
from studies.search_cost.searches.reporting.results import Results, gather
from studies.search_cost.searches.settings import BenchmarkSettings

__all__ = ["RATIOS", "report_json", "write_report"]

RATIOS = (
    ("full", "pruned"),
    ("reference", "pruned"),
    ("reference", "full"),
)
"""Pairs of modes whose costs are divided."""


def write_report(settings: BenchmarkSettings, out: Path) -> None:
    """Write the report.

    Args:
        settings: of the benchmark, whose folder is read.
        out: the file.
    """
    write_json(out, report_json(gather(settings), describe_session()))


def report_json(results: Results, session: Mapping[str, object]) -> dict[str, object]:
    """All that was measured, as JSON values; seconds are of this machine."""
    settings = results.settings
    return {
        "schema_version": 1,
        "made_by": "python -m studies.search_cost.search",
        "session": dict(session),
        "settings": {
            **settings.fixed(),
            "dataset": settings.dataset_dir.name,
            "modes": list(settings.modes),
            "seeds": list(settings.seeds),
            "search_seeds": {mode: list(settings.seeds_of(mode)) for mode in settings.modes},
        },
        "configs": {
            f"{stage}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
            for stage in ("search", "train")
            for path in sorted(settings.configs(stage).glob("*.json"))
        },
        "unfinished": [plan.name for plan in results.unfinished],
        "untrained": [list(pair) for pair in results.untrained],
        "searches": {
            mode: {str(seed): _search_json(plan) for seed, plan in by_seed.items()}
            for mode, by_seed in results.plans.items()
        },
        "costs": {
            mode: {
                "mean": mean_cost(list(by_seed.values())).to_json(),
                "by_seed": {str(seed): cost.to_json() for seed, cost in by_seed.items()},
            }
            for mode, by_seed in results.costs.items()
            if by_seed
        },
        "ratios": [_ratio_json(results, *pair) for pair in RATIOS if results.ratio(*pair)],
        "cells": _cells_json(results),
        "trainings": {
            arm: {
                str(seed): {**cost_of(log).to_json(), "rows": _rows(log)}
                for seed, log in by_seed.items()
            }
            for arm, by_seed in results.trainings.items()
        },
        "own_training_steps": results.own_steps,
        "base_training": _base_json(settings),
        "dice": {
            arm: {
                **{name: json_number(v) for name, v in asdict(summary_of(by_seed)).items()},
                "by_seed": {str(seed): seed_mean(records) for seed, records in by_seed.items()},
            }
            for arm, by_seed in results.records.items()
        },
    }


def _search_json(plan: SearchPlan) -> dict[str, object]:
    """Return a search's epochs and its result."""
    log = plan.log
    found = load_genotype(plan.genotype) if plan.finished else None
    return {
        "setup": log.setup._asdict() if log.setup else None,
        "sessions": log.sessions,
        "rows": _rows(log),
        "genotype": found.architecture() if found else None,
        "digest": found.digest if found else None,
        "provenance": dict(found.provenance) if found else None,
    }


def _rows(log: EpochLog) -> list[str]:
    """Epochs as lines of CSV: indented JSON would take a line for every number."""
    parts = list(dict.fromkeys(name for record in log.epochs for name in record.parts))
    columns = ["epoch", "steps", "living", "wall", "cpu"]
    columns += [f"{name}_{clock}" for name in parts for clock in ("wall", "cpu")]
    rows = [
        [
            *(record.epoch, record.steps, record.living),
            *(
                round(value, 4)
                for spent in (record.total, *(record.parts[name] for name in parts))
                for value in spent
            ),
        ]
        for record in log.epochs
    ]
    return [",".join(columns), *(",".join(map(str, row)) for row in rows)]


def _ratio_json(results: Results, first: str, second: str) -> dict[str, object]:
    mean = results.ratio(first, second)
    each = {seed: results.ratio(first, second, seed) for seed in results.common(first, second)}
    return {
        "of": first,
        "to": second,
        **(asdict(mean) if mean else {}),
        "by_seed": {str(seed): asdict(found) for seed, found in each.items() if found},
    }


def _cells_json(results: Results) -> Mapping[str, object]:
    return {
        mode: {
            str(seed): {
                "search_seed": cell.search_seed,
                "digest": cell.genotype.digest,
                "genotype": cell.genotype.architecture()["nodes"],
            }
            for seed, cell in by_seed.items()
        }
        for mode, by_seed in results.cells.items()
    }


def _base_json(settings: BenchmarkSettings) -> dict[str, object] | None:
    """Cost of the backbone's training, if it was trained here."""
    if settings.backbone_ckpt is not None:
        return None
    return cost_of(EpochLog(settings.output_dir / "base" / "epochs.json")).to_json()

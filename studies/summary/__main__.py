"""Make the page of results of the raw files: ``python -m studies.summary``.

The words are those of ``page.md``; no figure is typed by hand.
"""

from __future__ import annotations

import string
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from iac_components.common.files import read_json, write_text
from iac_components.common.pages.markdown_table import markdown_table
from iac_components.evaluation import read_metrics
from studies.adaptation.page import arm_gains, gains_table, targets
from studies.adaptation.records import read_kept
from studies.adaptation.settings import NO_SHIFT, load_shift_settings
from studies.cell_table.findings.reliability import reliability
from studies.cell_table.rows.configurations import configurations
from studies.cell_table.rows.records import read_lines
from studies.cell_table.rows.table import RESULTS, CellTable, load_table
from studies.cell_table.settings import load_settings
from studies.found.records import Found, read_found
from studies.measuring.rules import RULES
from studies.planted.report import report as planted_report
from studies.planted.tasks import planted_tasks
from studies.search_cost.pages.raw_fields import POINTS, at, number, records
from studies.search_cost.pages.tables import quality_table, search_ratios
from studies.search_cost.write import RAW, read, read_searches
from studies.summary.tables import (
    CHEAPEST,
    NONE,
    Scores,
    cells_table,
    found_table,
    gain,
    row_of,
    weights_table,
)

ROOT = Path(__file__).parents[2]
STUDIES = ROOT / "studies"
SHIPPED = STUDIES / "shipped" / "results"
TEMPLATE = Path(__file__).with_name("page.md")
PAGE = ROOT / "docs" / "RESULTS.md"
NETWORKS = {
    "unet_iac": "2-D U-Net",
    "nnunet_iac": "2-D nnU-Net",
    "efficientnet_iac": "2-D U-Net, EfficientNet-B0 encoder",
    "nnunet3d_iac": "3-D nnU-Net",
    "unet3d_iac": "3-D U-Net",
    "segresnet3d_iac": "3-D SegResNet",
    "dints": "3-D, by a topology search",
}
"""Hippocampus networks whose weights are shipped, by their bundles, as the page calls them."""

SMALL, LARGE = 0.02, 0.1
"""Gains in Dice up to which a shift is none, and from which it is one that a network fails at."""

NUCLEI = {"stained": "stained tissue, 256 x 320", "big": "fluorescence, 520 x 696"}
"""Sites of the nuclei images, as the page calls them."""

RECORD = "bundles/hippocampus_{}_segmentation_inference/docs/weights.json"
DATASET = "hippocampus"
SHIFTS = ("inverted", "bias")
FOUR_NODES = "random-4-"
FOUND_AT = "inverted"
SEEDS = 2
MAX_BYTES = 1 << 20


def page() -> str:
    """Return the whole page."""
    cells = (_cells, _adapted, _nuclei, _converged, _volumes)
    searches = (_planted, _found, _inference, _weights)
    words = {key: text for part in (*cells, *searches) for key, text in part().items()}
    return string.Template(TEMPLATE.read_text(encoding="utf-8")).substitute(words)


def _cells() -> dict[str, str]:
    """Return the cell table: what there is to find with another scanner."""
    settings = load_settings(DATASET)
    tables = {shift: load_table(DATASET, shift) for shift in SHIFTS}
    words = {
        "site": str(settings.section("patients")["site"]),
        "test": str(settings.section("patients")["test"]),
        "steps": str(settings.recipe("cell_training").steps),
        "rows": str(len(list(read_lines(RESULTS / f"{DATASET}.jsonl")))),
        "all_rows": str(SEEDS * len(SHIFTS) * len(configurations())),
        "cells": cells_table(tables),
    }
    for shift, table in tables.items():
        spread = reliability(table.scores[table.of_kinds("random")])
        words |= {
            f"sd_{shift}": f"{POINTS * spread.between_cells:.1f}",
            f"seed_{shift}": f"{POINTS * spread.between_seeds:.1f}",
            f"icc_{shift}": f"{spread.icc:.2f} ({spread.icc_low:.2f} to {spread.icc_high:.2f})",
            f"share_{shift}": f"{_share_of_the_cheapest(table):.0%}",
        }
    inverted = tables[SHIFTS[0]]
    names = [name.startswith(FOUR_NODES) for name in inverted.names]
    same_size = inverted.scores[names]
    spread = reliability(same_size)
    words["same_size_count"] = str(len(same_size))
    words["same_size_icc"] = f"{spread.icc:.2f} ({spread.icc_low:.2f} to {spread.icc_high:.2f})"
    return words


def _share_of_the_cheapest(table: CellTable) -> float:
    """Return what the cheapest cell gains over none, as a share of the best cell's gain."""
    none, cheapest = (table.scores[row_of(table, name)].mean() for name in (NONE, CHEAPEST))
    return float((cheapest - none) / (table.scores.mean(axis=1).max() - none))


def _adapted() -> dict[str, str]:
    """Return what adapters give at another scanner, beside norms, decoder and everything."""
    settings = load_shift_settings(DATASET)
    kept = read_kept(STUDIES / "adaptation" / "results" / f"{DATASET}.jsonl")
    rows = [row for row in kept if row["shift"] != NO_SHIFT]
    cases, draws = settings.numbers("numbers_of_cases"), settings.integer("draws")
    done = {(row["cases"], row["draw"]) for row in rows}
    missing = [f"K = {k}" for k in sorted(cases) if not any(found == k for found, _ in done)]
    gains = [arm_gains(row) for row in rows]
    large = [found for found in gains if max(found.values()) > LARGE]
    null = f"{settings.integer('null_draws') - len(kept) + len(rows)} runs without a shift"
    return {
        "adapted": gains_table(
            [row for row, found in zip(rows, gains, strict=True) if max(found.values()) > SMALL]
        ),
        "adapted_small": str(sum(max(found.values()) <= SMALL for found in gains)),
        "adapted_targets": " ".join(targets(rows)),
        "adapted_tests": str(settings.integer("test_volumes")),
        "adapted_steps": str(settings.integer("steps")),
        "adapted_rows": str(len(rows)),
        "adapted_planned": str(len(settings.shifts) * len(cases) * draws),
        "lora_ahead": str(sum(found["lora"] > found["cells"] for found in large)),
        "large_gains": str(len(large)),
        "adapted_missing": ", ".join([*missing, f"draws of patients up to {draws}", null]),
    }


def _nuclei() -> dict[str, str]:
    """Return what adapters give on pictures of nuclei from elsewhere."""
    folder = STUDIES / "adaptation" / "results" / "nuclei"
    rows, steps = [], set()
    for name, title in NUCLEI.items():
        result = read(folder / name / "result.json")
        steps.add(f"{number(result, 'settings', 'steps'):.0f}")
        released = read_metrics(folder / name / "released.csv")
        chosen = result["chosen"]
        after = read_metrics(folder / name / "adapted.csv") if chosen else released
        means = [f"{sum(r.dice for r in found) / len(found):.3f}" for found in (released, after)]
        change = gain(after, released) if chosen else ""
        rows.append((title, str(len(released)), *means, change, str(chosen or "keep")))
    header = ("images", "tested", "released", "adapted", "gain", "chosen")
    return {"nuclei": markdown_table(header, rows), "nuclei_steps": ", ".join(sorted(steps))}


def _converged() -> dict[str, str]:
    """Cells around converged backbones, and what searches around them took."""
    searches = read_searches()
    apart = [
        abs(number(one, "dice", "pruned", "mean") - number(one, "dice", "random", "mean"))
        for one in searches.values()
    ]
    gain = [
        POINTS * (number(one, "dice", "pruned", "mean") - number(one, "dice", "backbone", "mean"))
        for one in searches.values()
    ]
    steps = [number(one, "settings", "train_steps") for one in searches.values()]
    pruned = [
        number(cost, "total", "cpu")
        for one in searches.values()
        for cost in at(one, "costs", "pruned", "by_seed").values()
    ]
    full = [ratio for one in searches.values() for ratio in search_ratios(one, "full")]
    return {
        "quality": quality_table(searches),
        "apart": f"{POINTS * max(apart):.2f}",
        "least_gain": f"{min(gain):+.2f}",
        "most_gain": f"{max(gain):+.2f}",
        "least_training": f"{min(steps):.0f}",
        "most_training": f"{max(steps):.0f}",
        "pruned_least": f"{min(pruned):.0f}",
        "pruned_most": f"{max(pruned):.0f}",
        "full_least": f"{min(full):.0f}",
        "full_most": f"{max(full):.0f}",
    }


def _volumes() -> dict[str, str]:
    """Return how many searches around 3-D networks there were, and how many decided for no cell."""
    folds = at(read(STUDIES / "own_data" / "results" / "hippocampus_unet3d" / "run.json"), "folds")
    plain = [at(folds, name) for name in folds if at(folds, name)["plain"]]
    decided = sum(at(fold, "provenance")["kind"] == "searched" for fold in plain)
    return {
        "volume_searches": str(len(folds)),
        "volume_searches_decided": str(decided),
        "volume_searches_plain": str(len(plain)),
    }


def _planted() -> dict[str, str]:
    paths = sorted((STUDIES / "planted" / "results").rglob("*.json"))
    runs = [cast(Mapping[str, object], read_json(path, max_bytes=MAX_BYTES)) for path in paths]
    audits = [run for run in runs if run["rule"] == "audit"]
    planted = [number(run, "seconds") for run in audits if run["remedy"]]
    null = [number(run, "seconds") for run in audits if not run["remedy"]]
    tasks = [run for run in runs if run["remedy"]]
    missed = [
        f"`{run['task']}`, seed {run['seed']} (called {run['kind']})"
        for run in audits
        if not run["right"]
    ]
    missing = sorted(set(RULES) - {str(run["rule"]) for run in tasks})
    return {
        "planted": planted_report(runs) + "\n",
        "tasks_run": str(len({run["task"] for run in tasks})),
        "tasks_known": str(sum(bool(task.remedy) for task in planted_tasks())),
        "seeds_run": ", ".join(sorted({str(run["seed"]) for run in tasks})),
        "missed": "; ".join(missed) or "none",
        "rules_missing": ", ".join(f"`{rule}`" for rule in missing) or "no rule",
        "audit_least": f"{min(planted):.0f}",
        "audit_most": f"{max(planted):.0f}",
        "audit_null": f"{sum(null) / len(null):.0f}",
    }


def _found() -> dict[str, str]:
    by_rule: dict[str, list[Found]] = {}
    for record in read_found(STUDIES / "found" / "results", dataset=DATASET, shift=FOUND_AT):
        by_rule.setdefault(str(record["rule"]), []).append(record)
    count = sum(map(len, by_rule.values()))
    return {
        "found": found_table(by_rule, load_table(DATASET, FOUND_AT)),
        "found_searches": f"{count} search{'es' * (count != 1)}",
    }


def _inference() -> dict[str, str]:
    times = [
        number(one, "forward", "cells_over_plain", "cpu", "median_of_pairs")
        for one in records(read(RAW / "inference.json"), "records")
    ]
    return {"inference_least": f"{min(times):.1f}", "inference_most": f"{max(times):.1f}"}


def _weights() -> dict[str, str]:
    tests = {
        title: at(read(ROOT / RECORD.format(name)), "test") for name, title in NETWORKS.items()
    }
    cases = {
        name: read_metrics(SHIPPED / name.removesuffix("_iac") / "fold_0.csv") for name in NETWORKS
    }
    shipped = read(STUDIES / "off_centre" / "results" / "shipped.json")
    corner = at(shipped, "mean_dice")
    return {
        "weights": weights_table(cast(Mapping[str, Mapping[str, Mapping[str, Scores]]], tests)),
        "patients": f"{number(next(iter(tests.values())), 'dice', 'mean', 'n_patients'):.0f}",
        "volumes_gain": gain(cases["nnunet3d_iac"], cases["nnunet_iac"]),
        "wider_gain": gain(cases["nnunet_iac"], cases["unet_iac"]),
        "efficient_encoder_gain": gain(cases["efficientnet_iac"], cases["nnunet_iac"]),
        "topology_gain": gain(cases["dints"], cases["nnunet3d_iac"]),
        "small_gain": gain(cases["unet3d_iac"], cases["nnunet3d_iac"]),
        "residual_gain": gain(cases["segresnet3d_iac"], cases["nnunet3d_iac"]),
        "as_it_is": f"{number(corner, 'as_it_is'):.3f}",
        "corner": f"{number(corner, 'corner'):.3f}",
        "corner_cases": str(len(at(shipped, "cases", "corner"))),
    }


def main(arguments: Sequence[str] = ()) -> int:
    """Write the page.

    Raises:
        SystemExit: if there are arguments, of which none has a meaning.
    """
    if arguments:
        raise SystemExit(f"python -m studies.summary takes no arguments, got {list(arguments)}.")
    write_text(PAGE, page())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

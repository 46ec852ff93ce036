"""The plan: one readable file beside the bundles, which a second ``iac new`` compares with.

Each decision stands there with ``value``, which the configs get, ``planned``, which the rules gave,
its reason and its source. A value that was edited is kept by the next ``iac new --overwrite``; one
that was not follows the data and the rules.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from iac_components.bundling.own_data.decisions import Choice
from iac_components.bundling.own_data.reading import DatasetFacts
from iac_components.common.files import read_json, write_json

__all__ = ["Plan", "compare_plan", "read_plan", "write_plan"]

PLAN_VERSION = 1
MAX_BYTES = 10_000_000


@dataclass(frozen=True)
class Plan:
    """Plan that an earlier ``iac new`` wrote.

    Attributes:
        values: key -> the value in the file, edited or not.
        planned: key -> what the rules had given.
        data: what the data set was like.
    """

    values: Mapping[str, object]
    planned: Mapping[str, object]
    data: Mapping[str, object]


def write_plan(
    path: Path,
    choices: Sequence[Choice],
    planned: Sequence[Choice],
    *,
    facts: DatasetFacts,
    remarks: Sequence[str],
) -> None:
    """Write the plan, atomically.

    Args:
        path: the file.
        choices: with the values that the configs got.
        planned: as the rules gave them.
        facts: of the data set.
        remarks: what else to know.
    """
    decisions = {
        choice.key: {
            "value": choice.value,
            "planned": rule.value,
            "reason": choice.reason,
            "source": choice.source,
        }
        for choice, rule in zip(choices, planned, strict=True)
    }
    content = {
        "plan_version": PLAN_VERSION,
        "how_to_edit": "Change a 'value' and run iac new again with --overwrite: it is kept. "
        "Without the file everything is planned again.",
        "data": data_of(facts),
        "decisions": decisions,
        "remarks": list(remarks),
    }
    write_json(path, content)


def read_plan(path: Path) -> Plan | None:
    """Read the plan of an earlier run; None if there is none.

    Raises:
        ValueError: if it is no plan; the message names the file and the field.
    """
    if not path.exists():
        return None
    remedy = "Correct it, or remove the file to have everything planned again."
    try:
        content = read_json(path, max_bytes=MAX_BYTES)
    except ValueError as error:
        raise ValueError(f"Plan '{path}': {error} {remedy}") from error
    decisions = content.get("decisions") if isinstance(content, dict) else None
    if not isinstance(content, dict) or content.get("plan_version") != PLAN_VERSION:
        raise ValueError(f"Plan '{path}': plan_version must be {PLAN_VERSION}. {remedy}")
    if not isinstance(decisions, dict):
        raise ValueError(f"Plan '{path}': 'decisions' must be an object. {remedy}")
    for key, decision in decisions.items():
        if not isinstance(decision, dict) or not {"value", "planned"} <= set(decision):
            raise ValueError(f"Plan '{path}': decisions.{key} must have 'value' and 'planned'.")
    data = content.get("data")
    return Plan(
        {key: decision["value"] for key, decision in decisions.items()},
        {key: decision["planned"] for key, decision in decisions.items()},
        data if isinstance(data, dict) else {},
    )


def compare_plan(
    plan: Plan | None, choices: Sequence[Choice], *, facts: DatasetFacts
) -> tuple[list[Choice], list[str]]:
    """Keep what was edited in an earlier plan, and say what differs from it.

    Args:
        plan: the earlier one; None if there is none.
        choices: as the rules give them now.
        facts: of the data set now.

    Returns:
        The values to use, and a sentence for each difference.

    Raises:
        ValueError: if an edited value is of another kind than the planned one.
    """
    if plan is None:
        return list(choices), []
    said = [
        f"The data set was planned with {_short(plan.data.get(key))} for {key}, and now has "
        f"{_short(value)}."
        for key, value in data_of(facts).items()
        if key in plan.data and plan.data[key] != value
    ]
    unknown = sorted(set(plan.values) - {choice.key for choice in choices})
    said += [f"'{key}' of the earlier plan is no longer decided, and left out." for key in unknown]
    kept: list[Choice] = []
    for choice in choices:
        value, before = plan.values.get(choice.key), plan.planned.get(choice.key)
        if choice.key in plan.values and value != before:
            _require_kind(choice, value)
            said.append(
                f"{choice.key}: {_short(value)}, as edited in the plan; the rules give "
                f"{_short(choice.value)}."
            )
            kept.append(
                replace(choice, value=value, reason="edited in the plan", source="the plan")
            )
            continue
        if choice.key in plan.values and before != choice.value:
            said.append(f"{choice.key}: {_short(choice.value)}, was {_short(before)}.")
        kept.append(choice)
    return kept, said


def data_of(facts: DatasetFacts) -> dict[str, object]:
    """Return what a data set is like, in plain values."""
    geometry = facts.geometry
    middle = len(geometry.size) // 2
    return {
        "folder": str(facts.dataset_dir),
        "layout": facts.layout,
        "cases": len(facts.cases),
        "patients": facts.num_patients,
        "channels": list(facts.channel_names),
        "median_size": [float(sorted(geometry.size[:, axis])[middle]) for axis in range(3)],
        "median_spacing": [
            float(f"{sorted(geometry.spacing[:, axis])[middle]:.4g}") for axis in range(3)
        ],
        "left_by_cropping_to_nonzero": float(f"{facts.images.cropped_share:.3g}"),
    }


def _require_kind(choice: Choice, value: object) -> None:
    """Refuse a value that cannot stand where the planned one stands."""
    number = isinstance(choice.value, int | float) and not isinstance(choice.value, bool)
    fits = (
        isinstance(value, int | float) and not isinstance(value, bool)
        if number
        else isinstance(value, type(choice.value))
    )
    if fits and choice.by_stage and isinstance(value, dict) and isinstance(choice.value, dict):
        fits = set(value) <= {"search", "train", "inference"}
    if not fits:
        raise ValueError(
            f"decisions.{choice.key}.value of the plan is {_short(value)}: it must be of the kind "
            f"of {_short(choice.value)}. Correct it there."
        )


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."

"""Checks of options: each is in the schema, read with its type, and checked first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from iac_components.bundling.options import load_options
from tools.maintenance.verification.bundle import Bundle
from tools.maintenance.verification.checks.registry import register_check
from tools.maintenance.verification.workbench import Workbench

__all__ = ["check_options"]

FIRST = ["$@session.begin()", "$@session.build()"]
LOADS, CHECKS_DATA = "@checkpointloader", "@session.check_data"


@register_check("options")
def check_options(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check the schema, the check of the options itself, and weights before data."""
    options = load_options(bundle.method.name)
    for path in bundle.config_files:
        merged = bundle.merged(path)
        for key in merged.get():
            if key != "_meta_" and key not in options:
                yield f"{path.name}: the schema has no entry for '{key}'"
        if merged.get("initialize", [])[: len(FIRST)] != FIRST:
            yield f"{path.name}: initialize does not begin with {', '.join(FIRST)}"
        session = cast(Mapping[str, object], merged.get("session", {}))
        if session.get("method") != bundle.method.name:
            yield f"{path.name}: session#method is not {bundle.method.name}"
        yield from _late_weights(path, [*merged.get("initialize", []), *merged.get("run", [])])
    for key, value in bundle.config().items():
        option = options.get(key)
        if option is not None and option.is_value and not option.meaning:
            yield f"{bundle.stage}.json: the schema does not say what '{key}' means ({value})"


def _late_weights(path: Path, steps: list[object]) -> Iterator[str]:
    """Check that a wrong checkpoint ends a run before hours of reading, not after."""
    places = {
        name: [place for place, step in enumerate(steps) if f"{name}(" in str(step)]
        for name in (LOADS, CHECKS_DATA)
    }
    if places[LOADS] and min(places[CHECKS_DATA]) < min(places[LOADS]):
        yield f"{path.name}: the data are read before the weights are loaded"

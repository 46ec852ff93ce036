"""Checks of options: each is in the schema, read with its type, and checked first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from iac_components.bundling.options import Option, load_options
from tools.maintenance.verification.bundle import Bundle, read_json, walk
from tools.maintenance.verification.checks.registry import register_check
from tools.maintenance.verification.workbench import Workbench

__all__ = ["check_options"]

FIRST = ("@bundle_code", "report_errors_briefly()", "check_options('{method}')")


@register_check("options")
def check_options(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check schema, switches by ``flag``, null by ``optional``, the order of checks and weights."""
    options = load_options(bundle.method.name)
    for path in bundle.config_files:
        merged = bundle.merged(path)
        for key in merged.get():
            if key != "_meta_" and key not in options:
                yield f"{path.name}: the schema has no entry for '{key}'"
        first = str(merged.get("initialize", [""])[0])
        for part in FIRST:
            call = part.format(method=bundle.method.name)
            if call not in first:
                yield f"{path.name}: initialize does not begin with {call}"
        yield from _misread(path, read_json(path), options)
        yield from _late_weights(path, [*merged.get("initialize", []), *merged.get("run", [])])
    for key, value in bundle.config().items():
        option = options.get(key)
        if option is not None and option.is_value and not option.meaning:
            yield f"{bundle.stage}.json: the schema does not say what '{key}' means ({value})"


def _late_weights(path: Path, steps: list[object]) -> Iterator[str]:
    """Check that a wrong checkpoint ends a run before hours of reading, not after."""
    places = {
        name: [place for place, step in enumerate(steps) if f"{name}(" in str(step)]
        for name in ("load_weights", "check_datalist")
    }
    if places["load_weights"] and min(places["check_datalist"]) < min(places["load_weights"]):
        yield f"{path.name}: the data are read before the weights are loaded"


def _misread(path: Path, config: object, options: Mapping[str, Option]) -> Iterator[str]:
    """Check that ``--pruning false`` and ``--cache_dir null`` are converted from text."""
    for where, value in walk(config):
        for key in re.findall(r"@(\w+)\b", value) if isinstance(value, str) else ():
            option = options.get(key)
            if option is None:
                continue
            if option.is_switch and f"parse_bool(@{key}, '{key}')" not in str(value):
                yield f"{path.name}: {where} reads the switch {key} without parse_bool()"
            if option.is_optional and f"parse_optional(@{key})" not in str(value):
                yield (
                    f"{path.name}: {where} reads {key}, which may be null, without parse_optional()"
                )

"""Override files and names of metrics: what MONAI accepts silently when it is mistyped."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from monai.bundle import ComponentLocator, ConfigParser

from tools.maintenance.verification.bundle import Bundle, read_json, walk
from tools.maintenance.verification.checks.check_configs import resolve
from tools.maintenance.verification.checks.registry import register_check
from tools.maintenance.verification.workbench import Workbench

__all__ = ["check_metrics", "check_overrides"]

LIFE_CYCLE = ("initialize", "run", "finalize")
METRIC_GROUPS = ("key_metric", "additional_metrics", "key_val_metric", "key_train_metric")
METRIC_ARGUMENTS = ("metric_name", "key_metric_name", "metrics")


@register_check("overrides")
def check_overrides(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check that every key of an override file overrides something, or is referred to."""
    for path in bundle.overrides:
        below = bundle.parse(bundle.stack(path)[:-1])
        merged = str(bundle.merged(path).get())
        for key in read_json(path):
            name = key.removeprefix("+")
            referred = re.search(rf"@{re.escape(name)}\b", merged)
            known = name in below or name in LIFE_CYCLE or _is_argument(name, below)
            if not known and not referred:
                base = ", ".join(file.name for file in bundle.stack(path)[:-1])
                yield f"{path.name}: '{key}' overrides nothing in {base}"


def _is_argument(key: str, config: ConfigParser) -> bool:
    """Return whether ``a#b`` gives the component ``a`` an argument that it has."""
    parent, _, name = key.rpartition("#")
    component = config.get(parent) if parent else None
    if not isinstance(component, Mapping) or "_target_" not in component:
        return False
    target = resolve(str(component["_target_"]), ComponentLocator())
    return target is not None and name in inspect.signature(target).parameters


@register_check("metrics")
def check_metrics(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check that every metric that a handler names is computed."""
    for path in bundle.config_files:
        config = bundle.merged(path).get()
        known = {
            name
            for where, value in walk(config)
            if where.rpartition("#")[2] in METRIC_GROUPS and isinstance(value, Mapping)
            for name in value
        }
        yield from _unknown(path, config, known)


def _unknown(path: Path, config: object, known: set[str]) -> Iterator[str]:
    for where, value in walk(config):
        if not isinstance(value, Mapping) or "_target_" not in value:
            continue
        for argument in METRIC_ARGUMENTS:
            asked = value.get(argument, [])
            for name in asked if isinstance(asked, list) else [asked]:
                if isinstance(name, str) and name not in known and not name.startswith(("@", "*")):
                    known_names = ", ".join(sorted(known))
                    yield f"{path.name}: {where}#{argument} is '{name}', known: {known_names}"

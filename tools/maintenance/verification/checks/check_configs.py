"""Checks of every config by itself: targets, imports, references, order, paths; nothing is run."""

from __future__ import annotations

import inspect
import json
import pydoc
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from monai.bundle import ComponentLocator
from monai.bundle.reference_resolver import ReferenceResolver

from tools.maintenance.verification.bundle import Bundle, Json, read_json, walk
from tools.maintenance.verification.checks.registry import register_check
from tools.maintenance.verification.workbench import Workbench

__all__ = ["check_imports", "check_order", "check_references", "check_targets", "resolve"]

CONSTANTS = "imports dataset_name bundle_root dataset_dir output_dir"
WITHIN_TRAIN = "preprocessing dataset dataloader inferer handlers trainer"
FOREIGN_PATH = re.compile(r"(^/|~|[A-Z]:\\|/(home|root|work|tmp|mnt|media|users|processed)/)", re.I)
LONGEST_EXPRESSION = 200
FOLLOW_MACHINE = {
    "device": "iac_components.configs.pick_device",
    "amp": "$torch.cuda.is_available()",
}
MADE = ("device", "bundle_code")
"""Made by a function, and constants all the same."""

MONAI_KEYS = ("_target_", "_desc_", "_disabled_", "_requires_", "_mode_")


def strings(config: object) -> Iterator[tuple[str, str]]:
    """Every text in a config with its id."""
    return ((where, value) for where, value in walk(config) if isinstance(value, str))


@register_check("targets")
def check_targets(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check that every ``_target_`` can be imported and takes its arguments."""
    locator = ComponentLocator()
    for path in bundle.config_files:
        for where, value in walk(read_json(path)):
            if isinstance(value, dict) and "_target_" in value:
                place = f"{path.name}: {where}"
                target = resolve(str(value["_target_"]), locator)
                if target is None:
                    yield f"{place}: '{value['_target_']}' cannot be imported"
                else:
                    yield from _unknown_arguments(place, target, value)


def resolve(target: str, locator: ComponentLocator) -> Callable[..., object] | None:
    """Locate a ``_target_`` as MONAI's ConfigComponent does."""
    module = locator.get_component_module_name(target)
    if isinstance(module, list):
        module = module[0]
    found = pydoc.locate(target if module is None else f"{module}.{target}")
    return cast("Callable[..., object]", found) if callable(found) else None


def _unknown_arguments(place: str, target: Callable[..., object], component: Json) -> Iterator[str]:
    parameters = inspect.signature(target).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for key in component:
        if key not in parameters and key not in MONAI_KEYS:
            yield f"{place}: '{component['_target_']}' has no argument '{key}'"


@register_check("imports")
def check_imports(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check that every import works, brings in one name, and is used."""
    for path in bundle.config_files:
        config = read_json(path)
        statements = [
            line for key in ("imports", "+imports") for line in _lines(config.pop(key, []))
        ]
        text = json.dumps([bundle.merged(path).get(), config])
        for line in statements:
            if not line.startswith("$") or "," in line:
                yield f"{path.name}: imports: '{line}' is not one '$import' of one name"
                continue
            try:
                exec(line[1:], {})  # noqa: S102  (as MONAI does with it)
            except Exception as error:
                yield f"{path.name}: imports: '{line}' fails ({error})"
            name = line.split()[-1]
            if len(re.findall(rf"\b{re.escape(name)}\b", text)) < 2:
                yield f"{path.name}: imports: '{name}' is never used"


def _lines(value: object) -> list[str]:
    return [str(line) for line in value] if isinstance(value, list) else []


@register_check("references")
def check_references(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check that every ``@reference`` exists, and that a loader's is a data set."""
    for path in bundle.config_files:
        parser = bundle.merged(path)
        for where, text in strings(parser.get()):
            for reference in ReferenceResolver.match_refs_pattern(text):
                if reference not in parser:
                    yield f"{path.name}: {where} refers to '{reference}', which does not exist"
        for where, value in walk(parser.get()):
            if isinstance(value, dict) and "_target_" in value and "dataset" in value:
                dataset = str(value["dataset"]).removeprefix("@")
                if dataset not in parser or "_target_" not in parser[dataset]:
                    yield f"{path.name}: {where}#dataset is '{value['dataset']}', no data set"


@register_check("style")
def check_order(bundle: Bundle, workbench: Workbench) -> Iterator[str]:
    """Check the order of keys, and that expressions are short and no path is a machine's."""
    order = f"{CONSTANTS} {bundle.method.landmarks[bundle.stage]} initialize run"
    yield from _key_order(bundle.config_path(bundle.stage), order)
    for path in bundle.config_files:
        config = read_json(path)
        for where, text in strings(config):
            if FOREIGN_PATH.search(text):
                yield f"{path.name}: {where} holds the path of a machine: {text}"
            if text.startswith("$") and (len(text) > LONGEST_EXPRESSION or "\n" in text):
                yield f"{path.name}: {where}: {len(text)} characters are no one-liner"
    config = bundle.config()
    for key, part in FOLLOW_MACHINE.items():
        if part not in str(config.get(key)):
            yield f"{bundle.stage}.json: {key} does not follow the machine: {config.get(key)}"


def _key_order(path: Path, expected: str) -> Iterator[str]:
    config = read_json(path)
    keys = list(config)
    places = [("", keys, expected)]
    if isinstance(train := config.get("train"), dict):
        places.append(("train: ", list(train), WITHIN_TRAIN))
    for where, found, order in places:
        landmarks = order.split()
        if [key for key in found if key in landmarks] != landmarks:
            yield f"{path.name}: {where}keys are not in the order {order}"
    if keys[:1] != ["imports"] or keys[-3:] != ["initialize", "run", "finalize"]:
        yield f"{path.name}: imports is not first, or initialize, run and finalize are not last"
    made = [key for key, value in config.items() if "'_target_'" in str(value)]
    paths = [k for k, value in config.items() if "@bundle_root" in str(value) and k not in made]
    objects = [key for key in made if key not in MADE]
    positions = [keys.index(key) for key in ("bundle_root", *paths, *objects)]
    if max(positions[: len(paths) + 1]) > min(positions[len(paths) + 1 :], default=len(keys)):
        yield f"{path.name}: an object stands before a constant or a path"

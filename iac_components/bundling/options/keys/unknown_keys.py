"""Keys that nothing defines: MONAI ignores a misspelt option without a word."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Collection, Iterator, Mapping

from monai.bundle import ConfigComponent, ConfigParser, ConfigWorkflow

from iac_components.bundling.options.keys.client_keys import (
    CLIENT_KEYS,
    TRACKING_KEYS,
    WORKFLOW_KEYS,
)
from iac_components.bundling.options.keys.known_ids import SEPARATOR, nearest, referred_ids

__all__ = ["components_of", "unknown_arguments", "unknown_keys", "unknown_step"]

GROUPS = ("train", "validate")
"""Objects of the config that are no component and whose keys have a fixed meaning."""

_RESERVED = ("_target_", "_desc_", "_disabled_", "_requires_", "_mode_")


def unknown_keys(
    workflow: ConfigWorkflow, defined: Collection[str], *, tracked: bool = True
) -> dict[str, str]:
    """Return a sentence for each key of a run that no file of it defines and nothing refers to.

    Args:
        workflow: its config holds what the files define, and what was put over it.
        defined: the ids that the files define.
        tracked: whether the run may have tracking switched on.
    """
    config: Mapping[str, object] = workflow.parser.get()
    used = {*defined, *_with_parents(referred_ids(config))}
    steps = (workflow.init_id, workflow.run_id, workflow.final_id)
    allowed = {*CLIENT_KEYS, *WORKFLOW_KEYS, *steps, *(TRACKING_KEYS if tracked else ())}
    tops = [name for name in defined if SEPARATOR not in name]
    found = {key: _unknown(key, tops) for key in config if key not in used and key not in allowed}
    for group in GROUPS:
        found |= dict(_unknown_members(group, config.get(group), defined, used))
    return found


def unknown_step(workflow: ConfigWorkflow) -> Iterator[str]:
    """Yield a sentence if the config lacks the step that is to be run.

    A word of the command line without ``--`` before it is taken for its id.
    """
    if workflow.run_id not in workflow.parser:
        yield (
            f"--run_id is {workflow.run_id!r}, but no config file of this run has such a key. "
            "Leave it out; an option begins with --."
        )


def _with_parents(ids: Collection[str]) -> set[str]:
    """Return the ids, and every id that they lie below."""
    return {
        SEPARATOR.join(parts[:count])
        for parts in (name.split(SEPARATOR) for name in ids)
        for count in range(1, len(parts) + 1)
    }


def _unknown(key: str, known: Collection[str]) -> str:
    if key in TRACKING_KEYS:
        return f"--{key} is an option of --tracking, which this run lacks: add --tracking mlflow."
    return (
        f"--{key} is unknown: no config file of this run has a key '{key}'. {nearest(key, known)}"
    )


def _unknown_members(
    group: str, members: object, defined: Collection[str], used: Collection[str]
) -> Iterator[tuple[str, str]]:
    if not isinstance(members, Mapping):
        return
    start = f"{group}{SEPARATOR}"
    own = [name.removeprefix(start) for name in defined if name.startswith(start)]
    known = [name for name in own if SEPARATOR not in name]
    # A group that was replaced as a whole has keys of its own.
    if not set(known) <= set(members):
        return
    for key in members:
        if f"{start}{key}" not in used:
            remedy = nearest(key, known, before=f"{group}#")
            text = f"--{group}#{key} is unknown: '{group}' has no key '{key}'. {remedy}"
            yield f"{start}{key}", text


def unknown_arguments(parser: ConfigParser) -> Iterator[str]:
    """Yield a sentence for each argument in the config that its component does not take."""
    for where, component in components_of(parser.get(), ""):
        place = where.replace(SEPARATOR, "#")
        item = ConfigComponent(config=component, id=where, locator=parser.locator)
        target = item.resolve_module_name()
        # An expression is not known before it is evaluated.
        if not isinstance(target, str) or target.startswith(("$", "@")):
            continue
        found = _locate(target)
        if found is None:
            yield f"--{place}#_target_ is '{component['_target_']}', which cannot be imported."
            continue
        known = _parameters(found)
        for key in component:
            if known is not None and key not in known and key not in _RESERVED:
                yield (
                    f"--{place}#{key} is unknown: '{component['_target_']}' has no argument "
                    f"'{key}'. {nearest(key, known, before=f'{place}#')}"
                )


def components_of(config: object, where: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield every component below ``config``, itself included, with its id."""
    if isinstance(config, dict) and "_target_" in config:
        yield where, config
    if isinstance(config, dict | list):
        for key, value in config.items() if isinstance(config, dict) else enumerate(config):
            if where or key != ConfigParser.meta_key:
                yield from components_of(value, f"{where}{SEPARATOR}{key}" if where else str(key))


def _locate(target: str) -> object:
    try:
        return pydoc.locate(target)
    # A module that is there and broken: MONAI shows why, when it is needed.
    except pydoc.ErrorDuringImport:
        return _takes_anything


def _takes_anything(**arguments: object) -> None:
    """Stands for a component whose arguments are not known."""


def _parameters(target: object) -> list[str] | None:
    """Names that a component takes; None if it takes any."""
    if not callable(target):
        return None
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):  # written in C
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return [parameter.name for parameter in parameters]

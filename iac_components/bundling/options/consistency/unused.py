"""Options that were given to a run that does not use them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from monai.bundle import ConfigParser

from iac_components.bundling.options.keys.known_ids import SEPARATOR, referred_ids
from iac_components.bundling.options.schema import Option, Uses, load_options
from iac_components.bundling.options.values import refusal

__all__ = ["changed_options", "unused_options", "unused_with"]

NAMES = ("dataset_name", "backbone")
"""Options that describe a run and change no number of it."""

SESSION = "session"
READ_BY_SESSION = ("voxel_size_range",)
"""Options that nothing but a config's session reads, when it checks the data."""


def unused_options(
    parser: ConfigParser, options: Mapping[str, Option], defined: Mapping[str, object]
) -> Iterator[str]:
    """Yield a sentence for each changed option to which nothing in the config refers.

    Args:
        parser: of the run.
        options: those of its method.
        defined: what its files define, by id.
    """
    config = parser.get()
    referred = referred_ids(config) | referred_ids(defined)
    used = {name.partition(SEPARATOR)[0] for name in referred}
    if SESSION in config:
        used |= set(READ_BY_SESSION)
    for name, value in config.items():
        option = options.get(name)
        if option is None or not option.is_value or name in used or name in NAMES:
            continue
        if name in defined and _differs(value, defined[name]):
            yield refusal(
                name, value, "this run has no use for it, and would ignore it. Leave it out."
            )


def changed_options(parser: ConfigParser, defined: Mapping[str, object]) -> list[str]:
    """List the keys whose values are not those that the files of a run define."""
    return [
        name
        for name, value in parser.get().items()
        if name in defined and _differs(value, defined[name])
    ]


def _differs(value: object, other: object) -> bool:
    """Compare values of an option, which in Python may be arrays."""
    first, second = (
        part.tolist() if isinstance(part, np.ndarray) else part for part in (value, other)
    )
    return bool(first != second)


def unused_with(
    values: Mapping[str, object], changed: Iterable[str], *, method: str
) -> Iterator[str]:
    """Yield a sentence for each changed option that the others leave without a use.

    Args:
        values: of the run, by option; an object counts as ``own``.
        changed: the options that do not have their default.
        method: whose schema holds.
    """
    options = load_options(method)
    for name in changed:
        option = options.get(name)
        if option is None or not option.is_value:
            continue
        found = (_missing(uses, values) for uses in option.used_with)
        missing = [fault for fault in found if fault is not None]
        if not missing or len(missing) < len(option.used_with):
            continue
        other, value = missing[0]
        given = "of your own" if _kind(value) == "own" else value
        words = " or ".join(str(use) for use in option.used_with[0][other] if use != "own")
        yield refusal(
            name,
            values.get(name),
            f"with --{other} {given} it has no use, and would be ignored. Leave it out, or "
            f"pass --{other} {words}.",
        )


def _missing(uses: Uses, values: Mapping[str, object]) -> tuple[str, object] | None:
    """Return the first option, with its value, that is not as a use demands; None if all are."""
    for other, allowed in uses.items():
        value = values.get(other, "own")
        if _kind(value) not in allowed:
            return other, value
    return None


def _kind(value: object) -> object:
    if isinstance(value, list):
        return "list"
    return value if isinstance(value, str | bool) or value is None else "own"

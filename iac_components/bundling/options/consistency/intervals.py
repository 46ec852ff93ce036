"""Intervals of handlers that are longer than the run, so that the handler would never act."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from monai.bundle import ConfigParser

from iac_components.bundling.options.keys.known_ids import SEPARATOR, referred_ids
from iac_components.bundling.options.keys.unknown_keys import components_of
from iac_components.bundling.options.values import refusal

__all__ = ["idle_intervals"]

_LENGTH = f"train{SEPARATOR}trainer{SEPARATOR}max_epochs"
_ARGUMENTS = ("interval", "save_interval", "every")
"""Epochs between two acts of a handler, as MONAI's and this package's call them."""


def idle_intervals(parser: ConfigParser, values: Mapping[str, object]) -> Iterator[str]:
    """Yield a sentence for each handler of a training that would never act.

    Args:
        parser: of the run.
        values: of its options, which are sound.
    """
    length, steps = _length(parser, values), values.get("steps_per_epoch")
    if length is None:
        return
    for where, handler in components_of(parser.get("train"), "train"):
        # Steps of an epoch are not known before the data are.
        by_step = handler.get("epoch_level") is False
        if by_step and steps is None:
            continue
        most = length * cast(int, steps) if by_step else length
        for name in _ARGUMENTS:
            interval = _number(parser, f"{where}{SEPARATOR}{name}", values)
            if name in handler and interval is not None and interval > most:
                place = f"{where}{SEPARATOR}{name}".replace(SEPARATOR, "#")
                kind = str(handler["_target_"]).rpartition(".")[2]
                unit = "steps" if by_step else "epochs"
                rule = f"in the {most} {unit} of this run {kind} would never act. Lower it."
                yield refusal(place, interval, rule)


def _length(parser: ConfigParser, values: Mapping[str, object]) -> int | None:
    """Return the epochs of the run, which clients of MONAI set at the trainer."""
    length = _number(parser, _LENGTH, values)
    return cast(int | None, values.get("epochs")) if length is None else int(length)


def _number(parser: ConfigParser, where: str, values: Mapping[str, object]) -> float | None:
    """Read a number that stands in the config, or follows from plain options alone."""
    if where not in parser:
        return None
    found = parser.get(where)
    if isinstance(found, str):
        references = referred_ids(found)
        if not references or not references <= {*values, _LENGTH}:
            return None
        found = parser.get_parsed_content(where)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return cast(float, found) if is_number else None

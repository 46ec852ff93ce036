"""Options that were given to a run that has no use for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monai.bundle import ConfigParser

from iac_components.options.known_ids import referred_ids
from iac_components.options.schema import Option
from iac_components.options.values import refusal

__all__ = ["unused_options"]

NAMES = ("dataset_name", "backbone")
"""Say what a run is, and change no number of it."""


def unused_options(
    parser: ConfigParser, options: Mapping[str, Option], defined: Mapping[str, object]
) -> Iterator[str]:
    """Yield a sentence for each option that was changed and that nothing in the config refers to.

    Args:
        parser: of the run.
        options: those of its method.
        defined: what its files define, by id.
    """
    config = parser.get()
    used = referred_ids(config) | referred_ids(defined)
    for name, value in config.items():
        option = options.get(name)
        if option is None or not option.is_value or name in used or name in NAMES:
            continue
        if name in defined and value != defined[name]:
            yield refusal(
                name, value, "this run has no use for it, and would ignore it. Leave it out."
            )

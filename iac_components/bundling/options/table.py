"""The table of options in a bundle's README."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from iac_components.bundling.options.schema import Option, load_options
from iac_components.bundling.options.words import allowed_words
from iac_components.common.pages.markdown_table import markdown_table

__all__ = ["option_table"]

HEADER = ("option", "default", "allowed", "meaning")

_PATH = re.compile(r"\$@(\w+) \+ '(/[^']*)'")


def option_table(method: str, config: Mapping[str, object]) -> str:
    """Make a Markdown table of a config's options: name, default, allowed values, meaning.

    Objects that may be replaced as a whole are named below the table.

    Args:
        method: whose schema the config follows.
        config: the config as it is in the bundle, nothing of it evaluated.

    Raises:
        ValueError: if the schema lacks a key of the config; the message names it.
    """
    options = load_options(method)
    if unknown := [key for key in config if key not in options]:
        raise ValueError(
            f"the schema of '{method}' lacks {', '.join(unknown)}: add an entry to "
            f"iac_components/bundling/options/schemas."
        )
    rows = [_row(options[key], value) for key, value in config.items() if options[key].is_value]
    text = markdown_table(HEADER, rows, words=len(HEADER)).rstrip("\n")
    components = list(_components(options[key] for key in config))
    return f"{text}\n\nReplaced as a whole: {'; '.join(components)}." if components else text


def _row(option: Option, value: object) -> tuple[str, ...]:
    return (
        f"`--{option.name}`",
        _default(option, value),
        allowed_words(option.schema),
        option.meaning.rstrip("."),
    )


def _default(option: Option, value: object) -> str:
    if isinstance(value, str) and (match := _PATH.fullmatch(value)):
        return f"`<{match[1]}>{match[2]}`"
    is_made = isinstance(value, dict) and "_target_" in value
    if is_made or (isinstance(value, str) and value.startswith("$")):
        return str(option.schema["default_words"])
    if value is None and "default_words" in option.schema:
        return str(option.schema["default_words"])
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _components(options: Iterator[Option]) -> Iterator[str]:
    for option in options:
        if option.kind == "component" and option.meaning:
            yield f"`{option.name}` ({option.meaning[0].lower()}{option.meaning[1:].rstrip('.')})"
